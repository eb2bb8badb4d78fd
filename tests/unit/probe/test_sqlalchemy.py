"""SQLAlchemy's connections, however its engine opens them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine

from pytest_celery_perf.probe import context, sqlalchemy_queries
from pytest_celery_perf.probe.queries import Capture
from tests.unit.probe.attempts import Attempt


@pytest.fixture
def capture() -> Iterator[Capture]:
    sqlalchemy_queries.install()
    attempt: Any = Attempt()
    attempt.capture, attempt.heeds_queries = Capture(), False
    scope = context.enter(attempt)
    yield attempt.capture
    context.leave(scope)
    sqlalchemy_queries.uninstall()


@pytest.mark.parametrize("options", [{}, {"creator": lambda: sqlite3.connect(":memory:")}])
def test_connections_are_counted(capture: Capture, options: dict[str, Any]) -> None:
    engine = create_engine("sqlite://", **options)
    for _ in range(2):
        engine.connect().close()
        engine.dispose()
    assert capture.connects == 2
    assert bool(capture.connect_ns) is not bool(options)  # nobody tells when a `creator` begins
