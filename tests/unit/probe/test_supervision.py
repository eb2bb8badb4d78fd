"""A worker looks for dead children often while a test may kill one, and no longer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state

from pytest_celery_perf.probe.supervision import Supervision


class Hub:
    def __init__(self) -> None:
        self.timers: list[Any] = []

    def call_repeatedly(self, _every_s: float, function: Any, *arguments: Any) -> Hub.Timer:
        self.timers.append(lambda: function(*arguments))
        return Hub.Timer(self)

    class Timer:
        def __init__(self, hub: Hub) -> None:
            self.hub = hub

        def cancel(self) -> None:
            self.hub.timers.pop()


class Consumer:
    def __init__(self, hub: Hub | None) -> None:
        self.hub = hub
        self.pool = self
        self.looks = 0

    def maintain_pool(self) -> None:
        self.looks += 1


@pytest.fixture(autouse=True)
def requests(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Of tasks that the pool has."""
    requests: dict[str, Any] = {}
    monkeypatch.setattr(state, "requests", requests)
    return requests


def test_one_timer_looks_until_the_last_task_is_over(requests: dict[str, Any]) -> None:
    hub, supervision = Hub(), Supervision()
    consumer = Consumer(hub)
    early, late = (SimpleNamespace(id=name, acknowledged=False) for name in ("early", "late"))
    for request in (early, late):
        supervision.begin(consumer, request)
        requests[request.id] = request
    assert len(hub.timers) == 1
    early.acknowledged = True
    hub.timers[0]()
    del requests["late"]
    late.acknowledged = True
    hub.timers[0]()
    assert len(hub.timers) == 1, "the task runs still whose message is gone"
    del requests["early"]
    hub.timers[0]()
    assert hub.timers == []
    assert consumer.looks == 3


def test_a_task_that_waits_for_its_eta_is_not_over() -> None:
    hub, supervision = Hub(), Supervision()
    supervision.begin(Consumer(hub), SimpleNamespace(id="one", acknowledged=False))
    hub.timers[0]()
    assert len(hub.timers) == 1


def test_without_an_event_loop_nobody_looks() -> None:
    Supervision().begin(Consumer(None), SimpleNamespace(id="one", acknowledged=False))
