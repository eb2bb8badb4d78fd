"""What a terminal says of lock files: what was written, and what is not as it is locked though no test fails."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_celery_perf.model.lock import LockNews, Standing

SHOWN = 5
"""How many tests are named before the rest is only counted."""
_SAID = {
    Standing.NEW: ("is not locked", "are not locked", "lock it: pytest --celery-perf-update=missing"),
    Standing.LESS: (
        "does less than is locked",
        "do less than is locked",
        "lock the improvement in: pytest --celery-perf-update=changed",
    ),
    Standing.RENAMED: (
        "does what is locked under another name",
        "do what is locked under other names",
        "rename in the file: pytest --celery-perf-update",
    ),
    Standing.REMOVED: (
        "is locked, and gone from its module",
        "are locked, and gone from their modules",
        "drop from the file: pytest --celery-perf-update",
    ),
}


def notice_lines(news: Iterable[LockNews], *, dropped: bool = False) -> Iterator[str]:
    """Yield what there is to say of lock files.

    Args:
        news: Of the tests that have not failed, and of entries without a test.
        dropped: Whether the entries of tests that are gone were dropped.
    """
    told = [*news]
    renamed = {(each.path, each.was) for each in told if each.was}
    every = sorted((each for each in told if (each.path, each.test) not in renamed), key=lambda each: each.nodeid)
    locked = [each for each in every if each.standing is Standing.LOCKED]
    for path in dict.fromkeys(each.path for each in locked):
        tests = [each for each in locked if each.path == path]
        yield f"locked {len(tests)} test{'s' * (len(tests) > 1)} in {_relative(path)}"
    for each in locked:
        for task, what, bounds in each.facts.unsteady if each.facts else ():
            yield f"    not the same in each run, so gated by its bounds: {each.nodeid}: {task}: {what}: {bounds.told}"
    for standing, (one, many, remedy) in _SAID.items():
        tests = [each for each in every if each.standing is standing]
        if tests and standing is Standing.REMOVED and dropped:
            yield f"dropped {len(tests)} of tests that are gone: {_listed(tests)}"
        elif tests:
            yield f"{standing}: {len(tests)} {f'test {one}' if len(tests) == 1 else f'tests {many}'}: {_listed(tests)}"
            # These accept whatever else differs, too: not in the whole suite.
            where = _modules(tests) if standing in {Standing.RENAMED, Standing.REMOVED} else ""
            yield f"    {remedy}{where}"


def _listed(tests: list[LockNews]) -> str:
    names = [f"{each.nodeid} (was {each.was})" if each.was else each.nodeid for each in tests]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _modules(tests: list[LockNews]) -> str:
    """Return the modules of tests as arguments of a command."""
    return "".join(f" {shlex.quote(each)}" for each in dict.fromkeys(test.nodeid.partition("::")[0] for test in tests))


def _relative(path: str) -> str:
    folder = Path.cwd()
    return str(Path(path).relative_to(folder)) if Path(path).is_relative_to(folder) else path
