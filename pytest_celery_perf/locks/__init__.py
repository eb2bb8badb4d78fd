"""Holds tests to the exact counts in the lock files beside their modules, and writes these files when asked to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.stash import OPTIONS, PLACE

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.model.lock import LockNews

KEEPER = "celery_perf_keeper"


def begin(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Find out which of the collected tests are locked, and prepare to judge them.

    Args:
        session: Of pytest.
        items: All tests that were collected; those are added that stand for entries whose tests are gone.

    Raises:
        pytest.UsageError: A lock file cannot be read, or must not be written here.
    """
    from pytest_celery_perf.locks.place import find_places

    config: Any = session.config
    gone: tuple[LockNews, ...] = ()
    with _refusing(config, items):
        gone = find_places(config, items)
    if not gone and not any(PLACE in item.stash for item in items):
        return
    from pytest_celery_perf.locks.keeper import Keeper
    from pytest_celery_perf.locks.scribe import NAME, NEWS
    from pytest_celery_perf.locks.stale import stale_entries
    from pytest_celery_perf.model.codec import encode

    options = config.stash[OPTIONS]
    config.pluginmanager.register(Keeper(options), KEEPER)
    if options.strict and options.update != "all":
        items += stale_entries(session, gone)
        return
    told = [json.dumps(encode(each)) for each in gone]
    if hasattr(config, "workeroutput"):
        config.workeroutput[NEWS] = told
    else:
        config.pluginmanager.get_plugin(NAME).take(told)


def check(session: pytest.Session) -> bool:
    """Refuse to write lock files that cannot be written, before anything is started.

    Args:
        session: Of pytest; what shall not run is deselected.

    Returns:
        Whether there are tests to run.

    Raises:
        pytest.UsageError: One cannot; the text names it.
    """
    places = [item.stash[PLACE] for item in session.items if PLACE in item.stash]
    mode = session.config.stash[OPTIONS].update if places else ""
    if mode:
        from pytest_celery_perf.files import check as check_file

        with _refusing(session.config, session.items):
            for path in sorted({each.path for each in places if mode != "missing" or each.locked is None}):
                check_file(path, "celery_perf_update", "lock where the checkout can be written, or run without it")
    return bool(session.items)


@contextmanager
def _refusing(config: Any, items: list[pytest.Item]) -> Iterator[None]:
    """Have no test run where a lock file is wrong; a worker of pytest-xdist leaves it to its controller to say so."""
    try:
        yield
    except ConfigurationError as error:
        if not hasattr(config, "workeroutput"):
            import pytest

            raise pytest.UsageError(str(error)) from error
        from pytest_celery_perf.locks.scribe import REFUSED

        config.workeroutput[REFUSED] = str(error)
        items.clear()


def judge(item: pytest.Item) -> None:
    """Judge a test by its lock file, if it is locked or may be; its verdicts are added to those of its markers.

    Args:
        item: The test, judged by its markers.
    """
    if PLACE in item.stash:
        keeper: Any = item.config.pluginmanager.get_plugin(KEEPER)
        keeper.judge(item)
