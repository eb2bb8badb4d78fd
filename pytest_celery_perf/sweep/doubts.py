"""Says what a sweep does not compare, and whether passing it proves anything at all."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.judge.subjects import listed
from pytest_celery_perf.measure.rows import Leeway
from pytest_celery_perf.measure.state import ROWS, written
from pytest_celery_perf.model.state import Kind, State, Table
from pytest_celery_perf.model.sweep import Rerun
from pytest_celery_perf.probe.django_glue import lasting_caches
from pytest_celery_perf.sweep.rerun import is_ours
from pytest_celery_perf.sweep.tables import cache_tables

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.model.spec import RerunBudget
    from pytest_celery_perf.sweep.rerun import Pass

_SHOWN = 5
_SAY_IT = "say in invariant= what must hold after each run, or assert it in the test"
_INSTALLED = ("site-packages", "dist-packages")


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Why it proves nothing that a sweep passes."""

    reason: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncompared:
    """What a sweep cannot compare, or keep apart."""

    tables: dict[str, str]
    """Those that tasks wrote, and why each is not compared."""
    caches: dict[str, str]
    """The backends of the caches that they wrote and nobody empties between the runs, by alias."""

    @classmethod
    def of(cls, run: Pass, volatile: Collection[str], left_alone: Mapping[str, str]) -> Uncompared:
        """Find it.

        Args:
            run: One in which nothing went wrong.
            volatile: Tables that the user does not want compared.
            left_alone: Why runs may find another content in some tables.
        """
        probe = run.active.pool.probe if run.active else None
        lasting = lasting_caches(probe.own_caches) if probe else {}
        used = {_alias(point.label) for point in run.found.history.points if point.kind == "cache"}
        caches = {alias: backend for alias, backend in lasting.items() if alias in used}
        tables = {name: why for name, why in _tables(run.found, left_alone) if name not in volatile}
        return cls(tables=tables, caches=caches)


def _alias(label: str) -> str:
    """Return the alias with which the label of a point begins."""
    alias, colon, _ = label.partition(": ")
    return alias if colon and " " not in alias else "default"


def _tables(run: Rerun, left_alone: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    if not run.state.tables:
        yield "any table", "there are none of Django"
        return
    for name in _written(run):
        table = _find(run.state, name)
        if table is None or table.name in left_alone:
            yield name, left_alone.get(name, "not a table that a sweep reads")


def _written(run: Rerun) -> dict[str, frozenset[str]]:
    """Return what `measure.state.written` does, without what a cache of Django's writes."""
    caches = cache_tables()
    return {name: columns for name, columns in written(run.history.points).items() if _bare(name) not in caches}


def _find(state: State, name: str) -> Table | None:
    """Return the table that a statement names; SQLAlchemy has its own names for databases of Django."""
    names = {table.name.casefold(): table for table in state.tables}
    return names.get(name.casefold()) or names.get(_bare(name).casefold())


def _bare(name: str) -> str:
    return name.rpartition(":")[2]


def doubt_of(
    budget: RerunBudget, item: pytest.Item, reference: Rerun, leeway: Leeway, seen: Uncompared
) -> Doubt | None:
    """Say why it would prove nothing that a sweep passes; None if it proves something.

    Args:
        budget: The marker.
        item: The test.
        reference: A run in which nothing went wrong.
        leeway: In what runs may differ.
        seen: What is not compared.
    """
    if seen.caches:
        named = listed([f"{alias!r} ({backend})" for alias, backend in seen.caches.items()], _SHOWN)
        return Doubt(
            reason=f"nobody empties the cache {named} between the runs: what one leaves there, such as a lock, changes"
            " what the next does",
            advice="in the settings of the tests, have CACHES keep it in memory (LocMemCache), in a directory "
            "(FileBasedCache), or in Redis with a broker that is not yours (celery_perf_broker=auto)",
        )
    if budget.invariant is not None or asserts(item):
        return None
    if reference.state.tables and seen.tables:
        tables = listed([f"{name} ({why})" for name, why in seen.tables.items()], _SHOWN)
        return Doubt(reason=f"not all that tasks write is compared: {tables}", advice=_SAY_IT)
    if budget.outbound is None and not _any_compared(reference, leeway):
        return Doubt(reason="nothing that tasks write is compared", advice=_SAY_IT)
    return None


def _any_compared(run: Rerun, leeway: Leeway) -> bool:
    """Tell whether the runs are compared by anything that tasks write, if they write to tables at all."""
    if not run.state.tables:
        return False
    found = _written(run)
    return not found or any(_is_compared(_find(run.state, name), columns, leeway) for name, columns in found.items())


def _is_compared(table: Table | None, columns: frozenset[str], leeway: Leeway) -> bool:
    if table is None or table.name in leeway.ignored:
        return False
    excepted = leeway.ignored | leeway.vague
    kept = {each.name for each in table.columns if each.kind is not Kind.VOLATILE}
    # What cannot be read of a statement may be any of them.
    changed = kept & columns or kept
    return ROWS in columns or any(f"{table.name}.{column}" not in excepted for column in changed)


def asserts(item: pytest.Item) -> bool:
    """Tell whether a test, or a fixture of it that is none of an installed plugin, says itself what must hold."""
    info: Any = getattr(item, "_fixtureinfo", None)
    defined = info.name2fixturedefs.values() if info else ()
    functions = [getattr(item, "function", None), *(each.func for definitions in defined for each in definitions)]
    return any(_asserts(function) for function in functions)


def _asserts(function: Any, *, follow: bool = True) -> bool:
    """Tell whether a function of the user's has an assertion, or calls another one of its module that has."""
    try:
        file, source = inspect.getsourcefile(function) or "", inspect.getsource(function)
        tree = ast.parse(textwrap.dedent(source))
    except (OSError, TypeError, SyntaxError):  # it is not written in Python, or nobody can read where
        return False
    if any(folder in file for folder in _INSTALLED) or is_ours(file):
        return False
    called = {_name(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    if any(isinstance(node, ast.Assert) for node in ast.walk(tree)):
        return True
    if any(name.startswith("assert") or name in ("fail", "raises") for name in called):
        return True
    found = (getattr(function, "__globals__", {}).get(name) for name in called) if follow else ()
    return any(inspect.isfunction(each) and _asserts(each, follow=False) for each in found)


def _name(called: ast.expr) -> str:
    """Return the last part of what is called: ``fail`` of ``pytest.fail``."""
    if isinstance(called, ast.Attribute):
        return called.attr
    return called.id if isinstance(called, ast.Name) else ""
