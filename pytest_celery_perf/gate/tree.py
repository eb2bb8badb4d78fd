"""Where the code of an arm lies, and what it imports from there."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pytest_celery_perf.gate.channel import GateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A folder with the code of an arm, and the user's checkout, for which it stands."""

    checkout: Path
    path: Path
    """The same, for the arm that runs the checkout itself."""
    revision: str = ""
    """As git knows what is checked out there for a while: ``1a2b3c4``."""
    former: Mapping[Path, Path] = field(default_factory=dict)
    """Of files that have another place in the checkout: what they are called here, by what they are called there."""

    @classmethod
    def itself(cls, checkout: Path) -> Tree:
        """Return that of an arm that runs the checkout."""
        return cls(checkout=checkout, path=checkout)

    @property
    def is_checkout(self) -> bool:
        """Whether the arm runs the checkout itself."""
        return self.path == self.checkout

    def place(self, path: Path) -> Path:
        """Return where the arm has what the user has at a path; the path itself outside of the checkout."""
        real = Path(os.path.realpath(path))
        return self.path / self._former(real.relative_to(self.checkout)) if real.is_relative_to(self.checkout) else path

    def has_elsewhere(self, path: Path) -> bool:
        """Tell whether a place of the checkout has another name in the arm."""
        real = Path(os.path.realpath(path))
        return self.concerns(path) and self.place(path) != self.path / real.relative_to(self.checkout)

    def _former(self, name: Path) -> Path:
        """Return what a file or folder is called here: a folder, by most of the files that it has in both."""
        if name == Path() or not self.former or (self.path / name).exists():
            return name
        if name in self.former:
            return self.former[name]
        inside = [(old.parts, new.relative_to(name).parts) for new, old in self.former.items() if name in new.parents]
        places = Counter(Path(*old[: -len(below)]) for old, below in inside if old[-len(below) :] == below)
        return places.most_common(1)[0][0] if places else self._former(name.parent) / name.name

    def told(self, text: str) -> str:
        """Return what an arm says with its files as git knows them: ``1a2b3c4:tests/test_shop.py:15``.

        Where they lie is gone when a reader looks there, and another place in each run.
        """
        if self.revision:
            for top in (os.path.realpath(self.path), str(self.path)):
                text = text.replace(f"{top}/", f"{self.revision}:")
        return text

    def concerns(self, path: str | Path) -> bool:
        """Tell whether a path is one of the checkout, of which the arm may have another."""
        return _inside(Path(path), self.checkout)

    def import_path(self, app: str) -> list[str]:
        """Return the folders from which the arm must import what this process imports from the checkout.

        They precede all others: an editable install leads every process of its environment to the checkout.

        Args:
            app: The Celery app, which this process may not have imported yet.
        """
        entries = [Path(entry or ".").absolute() for entry in sys.path]
        entries += _beyond_the_path({*_imported_from(self.checkout), re.split("[.:]", app)[0]})
        places = [self.place(entry) for entry in entries if self._holds_code(entry)]
        return list(dict.fromkeys(str(place) for place in places if place.is_dir()))

    def _holds_code(self, entry: Path) -> bool:
        """Tell whether a folder is the user's, and not that of an environment which lies in the checkout."""
        environments = (Path(sys.prefix), Path(sys.base_prefix))
        return _inside(entry, self.checkout) and not any(
            _inside(entry, each) and _inside(each, self.checkout) for each in environments
        )


def check_origins(base_file: str, head_file: str, tree: Tree, label: str) -> None:
    """Refuse a base that would measure other code than its own.

    Args:
        base_file: Where the base imported the app from.
        head_file: Where the head did.
        tree: The base's.
        label: What the reader knows the base by.

    Raises:
        GateError: The base's app is not part of the base's tree, though the head's is part of the checkout, or is the
            very same.
    """
    if tree.is_checkout or not base_file or _inside(Path(base_file), tree.path):
        return
    if _inside(Path(head_file), tree.checkout):
        place = tree.place(Path(head_file))
        wanted = f"{tree.told(str(place))}{'' if place.exists() else ', which that revision does not have'}"
        raise GateError(
            f"the base, {label}, imported its app from {base_file}, which is not part of that revision, so it would "
            f"not be measured. Expected was {wanted}. Let the ini file's `pythonpath` name the folder that holds "
            "the app's package, or give the base an environment in which it is not installed (--celery-perf-base-env)"
        )
    if os.path.realpath(base_file) == os.path.realpath(head_file):
        raise GateError(
            f"the base, {label}, and the head have imported the same app, from {base_file}: it is installed there, and "
            "neither is the checkout's nor that revision's. Install it as editable (pip install -e .; for tox: "
            "package = editable), so that it is imported from where the tests are"
        )


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _imported_from(folder: Path) -> Iterator[str]:
    """Yield the names of the top-level modules that come from a folder."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and "." not in name and _inside(Path(file), folder):
            yield name


def _beyond_the_path(names: Collection[str]) -> Iterator[Path]:
    """Yield the folders in which something else than `sys.path` finds modules.

    Source:
        PEP 660: an editable install may be a finder of its own. That of setuptools has a table, ``MAPPING``.
    """
    for finder in sys.meta_path:
        origin = (finder if isinstance(finder, type) else type(finder)).__module__
        # The import system's own know the path and nothing of the user's; pytest's imports for itself alone.
        if origin.startswith(("_frozen_importlib", "_pytest.")) or not hasattr(finder, "find_spec"):
            continue
        for name in {*names, *getattr(sys.modules.get(origin), "MAPPING", ())}:
            spec = finder.find_spec(name, None)
            if spec is not None:
                for place in spec.submodule_search_locations or [spec.origin or ""]:
                    yield Path(place).parent
