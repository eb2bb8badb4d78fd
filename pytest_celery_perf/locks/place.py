"""Where each test stands in the lock files: read once, when all tests are collected and none is deselected yet."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf.baseline.lock import SUFFIX, module_of, path_of, read
from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.measure.facts import INSTRUMENTS
from pytest_celery_perf.model.lock import Lock, LockNews, Standing, TestFacts
from pytest_celery_perf.model.orders import FaultBudget
from pytest_celery_perf.model.rates import IsolationBudget, ShareBudget, ThroughputBudget
from pytest_celery_perf.model.spec import DrillBudget, RecoveryBudget, TestSpec, instruments_of
from pytest_celery_perf.project import Project
from pytest_celery_perf.stash import OPTIONS, PLACE, SPEC

if TYPE_CHECKING:
    import pytest

_UNSTEADY = (DrillBudget, FaultBudget, IsolationBudget, RecoveryBudget, ShareBudget, ThroughputBudget)
"""What tests are about whose counts depend on the moment at which something goes wrong, or on the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What the lock file of a test's module holds of it."""

    path: Path
    """Of the lock file, which need not be there."""
    module: Path
    test: str
    """The test's name in there."""
    databases: str
    """The kinds of databases that this run uses."""
    lock: Lock
    """All that it holds."""
    removed: Mapping[str, TestFacts]
    """What it holds of tests that are gone."""

    @property
    def locked(self) -> TestFacts | None:
        """What is locked of the test; None if nothing is."""
        return self.lock.tests.get(self.test)

    @property
    def elsewhere(self) -> bool:
        """Whether all was locked on databases of another kind, which are asked otherwise."""
        return self.lock.databases != self.databases


def lockable(spec: TestSpec) -> bool:
    """Tell whether a test does the same in each run: nothing goes wrong in it, and no clock counts its tasks."""
    return not (spec.several or spec.isolated or any(isinstance(budget, _UNSTEADY) for budget in spec.budgets))


def find_places(config: pytest.Config, items: Sequence[pytest.Item]) -> tuple[LockNews, ...]:
    """Give each test that is locked, or may be, its place, and have its executions measured for it.

    Args:
        config: pytest's configuration.
        items: All tests that were collected.

    Returns:
        Where modules were collected as a whole: the entries of tests that are gone, maybe with their modules.

    Raises:
        ConfigurationError: A lock file cannot be read, or must not be written here.
    """
    options = config.stash[OPTIONS]
    modules = _by_module(items)
    whole = _is_whole(config)
    gone = [*_abandoned(config, items, modules)] if whole else []
    if not options.update and not options.strict:
        modules = {module: tests for module, tests in modules.items() if path_of(module).exists()}
    if not modules:
        return tuple(gone)
    databases = Project(config).kinds_of_databases()
    for module, tests in modules.items():
        path = path_of(module)
        lock = _read(path, databases, writes=bool(options.update))
        removed = {name: facts for name, facts in lock.tests.items() if whole and name not in tests}
        gone += _gone(config, module, removed)
        for name, item in tests.items():
            item.stash[PLACE] = Place(
                path=path, module=module, test=name, databases=databases, lock=lock, removed=removed
            )
            spec = item.stash[SPEC]
            item.stash[SPEC] = replace(spec, measure=instruments_of(spec.budgets, (*spec.measure, *INSTRUMENTS)))
    return tuple(gone)


def _read(path: Path, databases: str, *, writes: bool) -> Lock:
    if not path.exists():
        return Lock(databases=databases)
    lock = read(path)
    if writes and lock.databases != databases:
        was, here = (each or "no database" for each in (lock.databases, databases))
        raise ConfigurationError(
            f"{path} was locked on {was}, and this run is on {here}, which is asked otherwise: update it there, or "
            "delete it first"
        )
    return lock


def _by_module(items: Iterable[pytest.Item]) -> dict[Path, dict[str, pytest.Item]]:
    """Sort the tests that can be locked by their modules; without a module there is no place for a file."""
    found: dict[Path, dict[str, pytest.Item]] = {}
    for item in items:
        if SPEC in item.stash and lockable(item.stash[SPEC]):
            found.setdefault(item.path, {})[item.nodeid.partition("::")[2]] = item
    return found


def _abandoned(config: pytest.Config, items: Iterable[pytest.Item], modules: Collection[Path]) -> Iterator[LockNews]:
    """Find the entries of lock files none of whose tests is there: the module is gone, or has nothing to lock."""
    collected = {item.path for item in items}
    asked = [config.invocation_params.dir / argument for argument in config.args]
    for path in sorted(path for folder in {each.parent for each in collected} for path in folder.glob(f"*{SUFFIX}")):
        module = module_of(path)
        if module in modules or (module.exists() and module not in collected):
            continue
        if any(module.is_relative_to(each) for each in asked):
            yield from _gone(config, module, read(path).tests)


def _gone(config: pytest.Config, module: Path, removed: Iterable[str]) -> Iterator[LockNews]:
    nodeid = Path(os.path.relpath(module, config.rootpath)).as_posix()
    for name in removed:
        yield LockNews(
            path=str(path_of(module)),
            module=module.name,
            test=name,
            nodeid=f"{nodeid}::{name}",
            standing=Standing.REMOVED,
        )


def _is_whole(config: pytest.Config) -> bool:
    """Tell whether the user has asked for whole modules, so that a test that is not there is gone."""
    option = config.option
    parts = (option.keyword, option.markexpr, option.deselect, getattr(option, "lf", False))
    return not any(parts) and not any("::" in argument for argument in config.args)
