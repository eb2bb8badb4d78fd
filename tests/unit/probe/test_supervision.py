"""A worker looks for dead children often while a test may kill one, and no longer."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.probe.supervision import Supervision


class Hub:
    def __init__(self) -> None:
        self.timers: list[Any] = []

    def call_repeatedly(self, _every_s: float, function: Any) -> Hub.Timer:
        self.timers.append(function)
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

    def maintain_pool(self) -> None:
        """Look."""


def test_one_timer_looks_until_the_last_message_is_gone() -> None:
    hub, supervision = Hub(), Supervision()
    consumer = Consumer(hub)
    for tag in ("one", "two"):
        supervision.begin(consumer, tag)
    assert hub.timers == [consumer.maintain_pool]
    supervision.end("one")
    assert hub.timers == [consumer.maintain_pool]
    supervision.end("two")
    assert hub.timers == []
    supervision.begin(consumer, "three")
    assert hub.timers == [consumer.maintain_pool]


def test_a_message_that_nobody_awaits_ends_nothing() -> None:
    hub, supervision = Hub(), Supervision()
    supervision.begin(Consumer(hub), "one")
    supervision.end("other")
    assert len(hub.timers) == 1


def test_without_an_event_loop_nobody_looks() -> None:
    supervision = Supervision()
    supervision.begin(Consumer(None), "one")
    assert supervision.awaited == set()
