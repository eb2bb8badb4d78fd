from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_celery_perf.guard import Guard
from pytest_celery_perf.startup import Shared
from tests.integration.gate.pad import Pad
from tests.servers import users_redis


@pytest.fixture
def guard() -> Iterator[Guard]:
    with Guard() as guard:
        yield guard


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """In the place of the run's directory."""
    directory = tmp_path / "run-1"
    directory.mkdir()
    return directory


@pytest.fixture
def pad(tmp_path: Path, directory: Path, guard: Guard) -> Iterator[Pad]:
    """Starts arms on one broker."""
    with users_redis(tmp_path) as endpoint:
        yield Pad(directory, Shared(broker=endpoint.dump(), turns="", notes=()), guard)
