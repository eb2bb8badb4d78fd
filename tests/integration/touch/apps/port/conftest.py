from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from pytest_celery_perf.probe.orders import FaultOrder

DEADLINE_S = 30


class Lab:
    """Orders faults at touch points, which no marker of this suite does."""

    def __init__(self, trial):
        self.trial = trial
        trial.wishes = replace(trial.wishes, touch=True)

    def order(self, at: str, do: str, key: str = "order", task: str | None = None, **fields: object) -> None:
        """Order a fault for what is published from now on."""
        self.trial.order(FaultOrder(key=key, task=task, do=do, at=at, **fields))

    def await_fault(self, kind: str) -> None:
        """Wait until a fault has been carried out."""
        self._await(lambda: kind in [fault.kind for fault in self.trial.book.faults])

    def await_ends(self, count: int) -> None:
        """Wait until that many tasks have come to their end."""
        self._await(lambda: len(self.trial.book.last_attempt) - len(self.trial.book.open) >= count)

    def _await(self, condition: Callable[[], bool]) -> None:
        deadline_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline_s, self.trial.history()
            self.trial.wait(0.05)


@pytest.fixture
def lab(celery_perf) -> Lab:
    return Lab(celery_perf._active.trial)


@pytest.fixture
def harbour() -> Iterator[int]:
    """The port of a server that takes connections."""
    with socket.create_server(("localhost", 0), backlog=20) as server:
        yield server.getsockname()[1]
