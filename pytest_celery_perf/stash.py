"""What is kept at pytest's objects, under keys that nobody else has."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_celery_perf.errors import ConfigurationError
    from pytest_celery_perf.locks.place import Place
    from pytest_celery_perf.model.seat import Seat
    from pytest_celery_perf.model.spec import TestSpec, WorkerSpec
    from pytest_celery_perf.options import Options
    from pytest_celery_perf.output import Output
    from pytest_celery_perf.session import ActiveTest, Session
    from pytest_celery_perf.startup import Shared
    from pytest_celery_perf.sweep.rerun import Watch

OPTIONS: pytest.StashKey[Options] = pytest.StashKey()
OUTPUT: pytest.StashKey[Output] = pytest.StashKey()
SESSION: pytest.StashKey[Session] = pytest.StashKey()
ENVIRONMENT: pytest.StashKey[dict[str, str]] = pytest.StashKey()
"""The variables with which pytest was started."""
REFUSAL: pytest.StashKey[str] = pytest.StashKey()
"""Why there is no session, though tests need one."""
DEFAULT_WORKERS: pytest.StashKey[tuple[WorkerSpec, ...] | ConfigurationError] = pytest.StashKey()
"""The topology of the ini file, or what is wrong with it or with the app."""
SHARED: pytest.StashKey[Shared] = pytest.StashKey()
"""Of an xdist controller: what it runs for all its workers."""
SEAT: pytest.StashKey[Seat] = pytest.StashKey()
"""Of an arm of a comparison: what it has for itself. It judges, records and reports nothing."""
CLEANUP: pytest.StashKey[list[Callable[[], None]]] = pytest.StashKey()
"""What must be undone when pytest ends, in order of doing."""

SPEC: pytest.StashKey[TestSpec] = pytest.StashKey()
"""Of a test: what its markers ask for."""
UNFIT: pytest.StashKey[str] = pytest.StashKey()
"""Of a test that cannot run with these settings: why."""
ACTIVE: pytest.StashKey[ActiveTest] = pytest.StashKey()
"""Of a test: what was brought up for it, and its verdicts."""
RERUN: pytest.StashKey[Watch] = pytest.StashKey()
"""Of a test that runs several times, while it does: what is seen of this run. Its reports are not pytest's."""
PLACE: pytest.StashKey[Place] = pytest.StashKey()
"""Of a test whose facts are locked, or may be: what its lock file holds of it."""
