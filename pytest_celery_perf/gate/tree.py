"""Where the code of an arm lies, and what it imports from there."""

from __future__ import annotations

import importlib.machinery
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.gate.channel import GateError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A folder with the code of an arm, and the user's checkout, for which it stands."""

    checkout: Path
    path: Path
    """The same, for the arm that runs the checkout itself."""

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
        return self.path / real.relative_to(self.checkout) if real.is_relative_to(self.checkout) else path

    def import_path(self) -> list[str]:
        """Return the folders from which the arm must import what this process imports from the checkout.

        They precede all others: an editable install leads every process of its environment to the checkout.
        """
        entries = [Path(entry or ".").absolute() for entry in sys.path] + list(_parents_beyond_the_path(self.checkout))
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
        GateError: The head's app is part of the checkout, and the base's is not part of the base's tree.
    """
    if tree.is_checkout or not base_file or not _inside(Path(head_file), tree.checkout):
        return
    if not _inside(Path(base_file), tree.path):
        wanted = tree.place(Path(head_file))
        lack = "" if wanted.exists() else ", which that revision does not have"
        raise GateError(
            f"the base, {label}, imported its app from {base_file}, which is not part of that revision, so it would "
            f"not be measured. Expected was {wanted}{lack}. Let the ini file's `pythonpath` name the folder that holds "
            "the app's package, or give the base an environment in which it is not installed (--celery-perf-base-env)"
        )


def _inside(path: Path, folder: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder))


def _parents_beyond_the_path(checkout: Path) -> Iterator[Path]:
    """Yield the folders of what is imported from the checkout by other means than `sys.path`.

    Source:
        PEP 660: an editable install may be a finder of its own, which knows where its packages are.
    """
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and "." not in name and _inside(Path(file), checkout) and _has_finder(name):
            folder = Path(file).parent
            yield folder.parent if hasattr(module, "__path__") else folder


def _has_finder(name: str) -> bool:
    """Tell whether something else than `sys.path` leads to a module; pytest's own finder imports for itself only."""
    for finder in sys.meta_path:
        kind = finder if isinstance(finder, type) else type(finder)
        if finder is not importlib.machinery.PathFinder and not kind.__module__.startswith("_pytest."):
            find = getattr(finder, "find_spec", None)
            if find is not None and find(name, None) is not None:
                return True
    return False
