from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from pytest_celery_perf.probe.faults import FaultOrder


class Lab:
    """Orders faults at touch points, which no marker of this suite does."""

    def __init__(self, trial):
        self.trial = trial
        trial.touch = True

    def order(self, at: str, do: str, **fields: object) -> None:
        self.trial.order(FaultOrder(key="order", task=None, do=do, at=at, **fields))


@pytest.fixture
def lab(celery_perf) -> Lab:
    return Lab(celery_perf._active.trial)


@pytest.fixture
def harbour() -> Iterator[int]:
    """The port of a server that takes connections."""
    with socket.create_server(("localhost", 0), backlog=20) as server:
        yield server.getsockname()[1]
