"""A worker looks for dead children often while a test may kill one, and no longer."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from celery.worker import state
from celery.worker.consumer import Consumer

from pytest_celery_perf.probe.messages import MessageWatch
from pytest_celery_perf.probe.supervision import Supervision


class Hub:
    def __init__(self) -> None:
        self.timers: list[Any] = []

    def call_repeatedly(self, _every_s: float, function: Any, *arguments: Any) -> Hub.Timer:
        self.timers.append(lambda: function(*arguments))
        return Hub.Timer(self, self.timers[-1])

    class Timer:
        def __init__(self, hub: Hub, entry: Any) -> None:
            self.hub = hub
            self.entry = entry

        def cancel(self) -> None:
            if self.entry in self.hub.timers:
                self.hub.timers.remove(self.entry)


class Worker:
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
    consumer = Worker(hub)
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
    supervision.begin(Worker(hub), SimpleNamespace(id="one", acknowledged=False))
    hub.timers[0]()
    assert len(hub.timers) == 1


@pytest.mark.parametrize("clears", [True, False], ids=["Celery 5.5", "Celery 5.7"])
def test_a_worker_that_has_forgotten_its_messages_looks_for_what_runs_on_and_for_what_comes(
    monkeypatch: pytest.MonkeyPatch, clears: bool
) -> None:
    hub, supervision = Hub(), Supervision()
    consumer = Worker(hub)
    waits, runs, comes = (SimpleNamespace(id=name, acknowledged=False) for name in ("waits", "runs", "comes"))
    monkeypatch.setattr(state, "active_requests", [runs])
    supervision.begin(consumer, waits)
    supervision.begin(consumer, runs)
    if clears:
        hub.timers.clear()
    supervision.resume(consumer)
    assert len(hub.timers) == 1
    runs.acknowledged = True
    hub.timers[0]()
    assert hub.timers == [], "nobody will ever acknowledge what was forgotten"
    supervision.begin(consumer, comes)
    hub.timers[0]()
    assert consumer.looks == 2


def test_it_goes_on_after_the_connection_has_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Consumer, "on_close", lambda consumer: consumer.hub.timers.clear())
    monkeypatch.setattr(Consumer, "on_connection_error_after_connected", Consumer.on_connection_error_after_connected)
    messages: Any = MessageWatch(None, None)  # type: ignore[arg-type]
    messages.watch_breaks()
    runs: Any = SimpleNamespace(id="runs", acknowledged=False)
    monkeypatch.setattr(state, "active_requests", [runs])
    hub = Hub()
    worker: Any = Worker(hub)
    messages._supervision.begin(worker, runs)
    Consumer.on_close(worker)
    assert len(hub.timers) == 1


def test_without_an_event_loop_nobody_looks() -> None:
    Supervision().begin(Worker(None), SimpleNamespace(id="one", acknowledged=False))
