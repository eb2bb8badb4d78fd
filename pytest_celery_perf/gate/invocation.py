"""How the user started pytest, and what an arm collects of it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import iglob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.gate.words import PLUGIN, repeated
from pytest_celery_perf.model.gate import ArmTest
from pytest_celery_perf.stash import ENVIRONMENT, OPTIONS

if TYPE_CHECKING:
    import pytest

_AGAINST = {"xdist": "-n0", "pytest_cov": "--no-cov", "junitxml": "--junit-xml=", "cacheprovider": ""}
"""Plugins that matter here, and what undoes that which ``addopts`` of the ini file may ask of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which tests an arm collects."""

    folder: Path
    """Where it runs."""
    root: Path
    """The folder to which the names of its tests are relative."""
    arguments: tuple[str, ...]
    only: tuple[tuple[Path, str], ...] = ()
    """Of what it collects: (file, names) of tests or classes, names being empty for a whole path; empty: all."""

    def takes(self, test: ArmTest) -> bool:
        """Tell whether the user has asked for a test that was collected."""
        file, _, names = test.nodeid.partition("::")
        return not self.only or any(
            (self.root / file).is_relative_to(path)
            and (not wanted or f"{names}[".startswith((f"{wanted}[", f"{wanted}::")))
            for path, wanted in self.only
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The user's own command, without what an arm must not repeat."""

    folder: Path
    root: Path
    options: tuple[str, ...]
    paths: tuple[str, ...]
    modules: bool
    """Whether the paths are names of modules."""
    home: tuple[str, ...]
    """Patterns of where pytest looks for tests if no path is given; empty: in the folder."""
    plugins: frozenset[str]
    """Those of the plugins that matter here that are loaded."""
    app: str
    """As Celery's ``-A`` takes it."""
    environment: Mapping[str, str]
    """The variables with which it was started."""

    @classmethod
    def of(cls, config: pytest.Config) -> Invocation:
        """Read how this pytest was started."""
        environment = config.stash.get(ENVIRONMENT, dict(os.environ))
        given = [*shlex.split(environment.get("PYTEST_ADDOPTS", "")), *map(os.fspath, config.invocation_params.args)]
        words = list(_expanded(given, config.invocation_params.dir))
        places = _positional(config, words)
        return cls(
            folder=config.invocation_params.dir,
            root=config.rootpath,
            options=tuple(repeated(words, places)),
            paths=tuple(words[place] for place in sorted(places)),
            modules=bool(config.option.pyargs),
            home=tuple(config.getini("testpaths")) if config.invocation_params.dir == config.rootpath else (),
            plugins=frozenset(filter(config.pluginmanager.hasplugin, _AGAINST)),
            app=config.stash[OPTIONS].app,
            environment=environment,
        )

    def within(self, tree: Tree) -> Selection | None:
        """Return what an arm in a tree is to collect.

        Returns:
            None if it has none of the user's paths.
        """
        folder, root = tree.place(self.folder), tree.place(self.root)
        options = self._relocated(tree)
        if self.modules:
            return Selection(folder=folder, root=root, arguments=(*self.paths, *options))
        there = self._there(tree)
        if not folder.is_dir() or (self.paths and not there):
            return None
        # By file: of a test that the revision does not have, pytest would say that it is not found. And whatever else
        # a file has in one arm and not in the other may be a test of another name.
        return Selection(
            folder=folder,
            root=root,
            arguments=(*dict.fromkeys(str(path) for path, _ in there), *options),
            only=tuple(there) if any(names for _, names in there) else (),
        )

    def everything(self, tree: Tree) -> Selection | None:
        """Return all that the project has, for an arm to look for what is not where the user's paths lead.

        Returns:
            None if the user's own paths lead to all that there is, or nobody knows where else to look.
        """
        folder = tree.place(self.folder)
        if self.modules or not self.paths or not folder.is_dir():
            return None
        # As pytest does: `Path.glob` refuses "." and whole paths.
        home = [folder / place for pattern in self.home for place in sorted(iglob(pattern, root_dir=folder))]  # noqa: PTH207
        places = dict.fromkeys(str(path) for path in (*(path for path, _ in self._there(tree)), *(home or [folder])))
        # What else the project has may be broken without any harm to what the user wants to know.
        options = (*self._relocated(tree), "--continue-on-collection-errors")
        return Selection(folder=folder, root=tree.place(self.root), arguments=(*places, *options))

    def _there(self, tree: Tree) -> list[tuple[Path, str]]:
        """Return those of the user's paths that a tree has: the file or folder, and the names of what is in it."""
        folder = tree.place(self.folder)
        wanted = [_split(path, folder, tree) for path in self.paths]
        return [(path, names) for path, names in wanted if path.exists()]

    def _relocated(self, tree: Tree) -> list[str]:
        return [_relocated(option, tree) for option in self.options]

    def options_of_an_arm(self, directory: Path, lacking: Collection[str] = ()) -> list[str]:
        """Return the options that every arm has, besides the user's.

        Args:
            directory: Where it may write.
            lacking: Plugins that its environment has not.
        """
        plugins = self.plugins.difference(lacking)
        against = [option for plugin, option in _AGAINST.items() if option and plugin in plugins]
        # An empty cache rather than none, as `addopts` may hold `--ff`, and a plugin may ask for it.
        cache = ["-o", f"cache_dir={directory / 'cache'}"] if "cacheprovider" in plugins else []
        entry_point, module = PLUGIN
        return [
            # As `addopts` may ask for them, too: the logs of so many workers that nobody wants to read.
            *("--maxfail=0", "--celery-perf-logs=", *against, *cache, f"--basetemp={directory / 'tmp'}"),
            # By its entry point the plugin would count as one that the ini file requires; so it does not.
            *("-p", f"no:{entry_point}", "-p", module, "-o", "required_plugins="),
        ]


def _expanded(words: Iterable[str], folder: Path) -> Iterator[str]:
    """Yield the words, and in the place of ``@file`` the file's lines."""
    for word in words:
        if word.startswith("@"):
            yield from (folder / word[1:]).read_text().splitlines()
        else:
            yield word


def _positional(config: pytest.Config, words: Sequence[str]) -> set[int]:
    """Return which words are paths, and not values of options, by having pytest's own parser read them numbered."""
    parser: Any = config._parser  # noqa: SLF001 - only the parser knows which options take a value
    paths = {str(path) for path in config.option.file_or_dir}
    numbered = [f"{word}\0{place}" if word in paths else word for place, word in enumerate(words)]
    namespace, unknown = parser.parse_known_and_unknown_args(numbered)
    found = [str(path) for path in (*namespace.file_or_dir, *unknown)]
    return {int(path.rpartition("\0")[2]) for path in found if "\0" in path}


def _split(path: str, folder: Path, tree: Tree) -> tuple[Path, str]:
    """Return the file or folder of a path where an arm has it, and the names of the test or class in it."""
    file, _, names = path.partition("::")
    there = tree.place(Path(file)) if Path(file).is_absolute() else folder / file
    return Path(os.path.normpath(there)), names


def _relocated(option: str, tree: Tree) -> str:
    """Return an option, or a value, that names a place of the checkout, for an arm that has it elsewhere."""
    name, equals, value = option.rpartition("=") if option.startswith("--") else ("", "", option)
    return f"{name}{equals}{tree.place(Path(value))}" if value.startswith("/") else option
