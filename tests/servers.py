"""Servers that belong to somebody else than the test run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytest_celery_perf.broker import binary
from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.broker.process import ProcessServer
from pytest_celery_perf.guard import Guard


@contextmanager
def users_redis(folder: Path) -> Iterator[Endpoint]:
    """Run a user's Redis.

    Args:
        folder: Where it may make a directory of its own.
    """
    found, reasons = binary.find()
    assert found is not None, reasons
    with Guard() as guard:
        server = ProcessServer(found, directory=folder / "server", guard=guard)
        yield server.start()
        server.stop()
