"""How the user started pytest, and what an arm collects of it."""

from __future__ import annotations

import importlib.util
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
class _Place:
    """What one of the user's paths leads to in a tree."""

    argument: str
    """As pytest is told it there: a module by its name."""
    path: Path
    names: str
    """Of the test or class in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """The user's own command, without what an arm must not repeat."""

    folder: Path
    root: Path
    options: tuple[str, ...]
    paths: tuple[str, ...]
    modules: Mapping[str, Path]
    """Those of the paths that are names of modules, and where these lie."""
    ini: str
    """The ini file that the user has named; empty: none."""
    files: tuple[str, ...]
    """Patterns of the files that pytest takes for such with tests."""
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
        paths = tuple(words[place] for place in sorted(places))
        return cls(
            folder=config.invocation_params.dir,
            root=config.rootpath,
            options=tuple(repeated(words, places)),
            paths=paths,
            modules=dict(_modules(paths)) if config.option.pyargs else {},
            ini=config.option.inifilename or "",
            files=tuple(config.getini("python_files")),
            home=tuple(config.getini("testpaths")) if config.invocation_params.dir == config.rootpath else (),
            plugins=frozenset(filter(config.pluginmanager.hasplugin, _AGAINST)),
            app=config.stash[OPTIONS].app,
            environment=environment,
        )

    def within(self, tree: Tree) -> Selection | None:
        """Return what an arm in a tree is to collect.

        Returns:
            None if it has none of the user's paths, or nowhere to run them.
        """
        there = self._there(tree)
        if self.lacking(tree) or (self.paths and not there):
            return None
        # By file: of a test that the revision does not have, pytest would say that it is not found. And whatever else
        # a file has in one arm and not in the other may be a test of another name.
        return Selection(
            folder=tree.place(self.folder),
            root=tree.place(self.root),
            arguments=(*dict.fromkeys(place.argument for place in there), *self._relocated(tree)),
            only=tuple((place.path, place.names) for place in there) if any(place.names for place in there) else (),
        )

    def everything(self, tree: Tree) -> Selection | None:
        """Return all that the project has, for an arm to look for what is not where the user's paths lead.

        Returns:
            None if the user's own paths lead to all that there is, or it has nowhere to run it.
        """
        if not self.paths or self.lacking(tree):
            return None
        folder = tree.place(self.folder)
        # As pytest does: `Path.glob` refuses "." and whole paths.
        home = [folder / place for pattern in self.home for place in sorted(iglob(pattern, root_dir=folder))]  # noqa: PTH207
        places = dict.fromkeys((*(place.argument for place in self._there(tree)), *map(str, home or [folder])))
        # What else the project has may be broken without any harm to what the user wants to know.
        options = (*self._relocated(tree), "--continue-on-collection-errors")
        return Selection(folder=folder, root=tree.place(self.root), arguments=(*places, *options))

    def lacking(self, tree: Tree) -> Path | None:
        """Return what a tree does not have and no test can run without: its folder, the root of its name, its ini file.

        Returns:
            The first of them, as the checkout has it; None if there are all.
        """
        needed = (self.folder, self.root, self.folder / self.ini)
        return next((place for place in needed if not tree.place(place).exists()), None)

    def _there(self, tree: Tree) -> list[_Place]:
        """Return what a tree has of the user's paths."""
        return [place for path in self.paths if (place := self._place(path, tree)).path.exists()]

    def _place(self, word: str, tree: Tree) -> _Place:
        name, _, names = word.partition("::")
        given = self.modules.get(name, self.folder / name)
        moved = tree.has_elsewhere(given)
        # A link keeps its own name, by which pytest calls the tests in it.
        linked = not (moved or name in self.modules or Path(name).is_absolute())
        path = Path(os.path.normpath(tree.place(self.folder) / name if linked else tree.place(given)))
        return _Place(argument=name if name in self.modules and not moved else str(path), path=path, names=names)

    def _relocated(self, tree: Tree) -> list[str]:
        return [self._option(option, tree) for option in self.options]

    def _option(self, option: str, tree: Tree) -> str:
        """Return an option, or a value, that names a place of the checkout, for an arm that has it elsewhere."""
        name, equals, value = option.rpartition("=") if option.startswith("--") else ("", "", option)
        place = self.folder / value
        # A word without a slash may be anything: `-k tests`.
        known = place.exists() and ("/" in value or value == self.ini)
        elsewhere = value.startswith("/") or (known and tree.has_elsewhere(place))
        return f"{name}{equals}{tree.place(place)}" if elsewhere else option

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


def _modules(words: Iterable[str]) -> Iterator[tuple[str, Path]]:
    """Yield the names of modules among the user's paths, and where these lie.

    Source:
        ``_pytest.main.search_pypath``; what is no module, pytest takes for a path.
    """
    for word in words:
        name = word.partition("::")[0]
        try:
            spec = importlib.util.find_spec(name)
        except (AttributeError, ImportError, ValueError):
            continue
        places = [] if spec is None else [*(spec.submodule_search_locations or ()), *filter(None, [spec.origin])]
        if places:
            yield name, Path(places[0])
