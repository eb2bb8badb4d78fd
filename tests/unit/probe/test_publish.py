"""Tracking what is published, and bringing retries forward."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.orders import HEADER
from pytest_celery_perf.probe.publish import PublishTracker


class Written:
    """A journal that only remembers."""

    def __init__(self) -> None:
        self.records: list[Any] = []

    def write(self, record: wire.Record) -> None:
        self.records.append(record)

    def ring(self) -> None:
        pass


@pytest.fixture
def written() -> Written:
    return Written()


def message(**headers: Any) -> dict[str, Any]:
    return {"id": "a", "root_id": "r", "parent_id": None, "retries": 0, **headers}


def test_a_message_of_the_test_gets_the_header_and_a_record(written: Written) -> None:
    tracker = PublishTracker(written, lambda: {"t": "token"}, lambda: None)  # type: ignore[arg-type]
    headers = message(mine="kept")

    tracker.before("shop.pay", headers=headers, properties={"priority": 3}, routing_key="pay")
    tracker.after(headers=headers)

    assert headers[HEADER] == {"t": "token"}
    assert headers["mine"] == "kept"
    publishing, published = written.records
    assert (
        publishing.token,
        publishing.id,
        publishing.root,
        publishing.name,
        publishing.queue,
        publishing.priority,
    ) == ("token", "a", "r", "shop.pay", "pay", 3)
    assert (published.id, published.retries) == ("a", 0)


def test_a_message_of_nobody_is_left_alone(written: Written) -> None:
    headers = message()
    PublishTracker(written, lambda: None, lambda: None).before("shop.pay", headers=headers)  # type: ignore[arg-type]

    assert HEADER not in headers
    assert written.records == []


def test_a_queue_is_called_by_its_name_not_by_its_routing_key(written: Written) -> None:
    class Queue:
        name = "payments"

    tracker = PublishTracker(written, lambda: {"t": "token"}, lambda: None)  # type: ignore[arg-type]
    tracker.before("shop.pay", headers=message(), routing_key="pay.now", declare=[Queue()])

    assert written.records[0].queue == "payments"


@pytest.mark.parametrize("retried", ["a", "b"])
def test_only_a_retry_of_the_running_task_is_brought_forward(written: Written, retried: str) -> None:
    eta = datetime.now(UTC) + timedelta(seconds=600)
    headers = message(eta=eta.isoformat(), retries=1)
    tracker = PublishTracker(written, lambda: {"t": "token", "scale": 0.01}, lambda: retried)  # type: ignore[arg-type]

    tracker.before("shop.pay", headers=headers)

    (publishing,) = written.records
    assert pytest.approx(publishing.countdown_s, abs=5) == 600
    expected_wait = publishing.countdown_s * (0.01 if retried == "a" else 1)
    assert expected_wait == pytest.approx(publishing.waited_s)
    left_out = eta - datetime.fromisoformat(headers["eta"])
    assert publishing.countdown_s - publishing.waited_s == pytest.approx(left_out.total_seconds(), abs=5)


def test_expiry_moves_with_the_time_that_is_left_out(written: Written) -> None:
    now = datetime.now(UTC)
    headers = message(
        eta=(now + timedelta(seconds=100)).isoformat(), expires=(now + timedelta(seconds=160)).isoformat(), retries=1
    )
    tracker = PublishTracker(written, lambda: {"t": "token", "scale": 0.001}, lambda: "a")  # type: ignore[arg-type]

    tracker.before("shop.pay", headers=headers)

    assert pytest.approx(written.records[0].expires_s, abs=5) == 160
    margin = datetime.fromisoformat(headers["expires"]) - datetime.fromisoformat(headers["eta"])
    assert pytest.approx(margin.total_seconds(), abs=0.01) == 60


def test_what_only_expires_is_noted_and_left_as_it_is(written: Written) -> None:
    expires = (datetime.now(UTC) + timedelta(seconds=600)).isoformat()
    headers = message(expires=expires)
    tracker = PublishTracker(written, lambda: {"t": "token", "scale": 0.01, "etas": True}, lambda: None)  # type: ignore[arg-type]

    tracker.before("shop.pay", headers=headers)

    assert headers["expires"] == expires
    (publishing,) = written.records
    assert pytest.approx(publishing.expires_s, abs=5) == 600
    assert (publishing.countdown_s, publishing.waited_s) == (None, None)


def test_who_keeps_to_a_schedule_says_when_a_message_was_meant_to_be_published(written: Written) -> None:
    tracker = PublishTracker(written, lambda: {"t": "token"}, lambda: None)  # type: ignore[arg-type]
    tracker.before("shop.pay", headers=message())
    tracker.intended_ns = 17
    tracker.before("shop.pay", headers=message())

    assert [None, 17] == [each.intended_ns for each in written.records]


def test_what_another_thread_publishes_is_none_of_a_load(written: Written) -> None:
    tracker = PublishTracker(written, lambda: {"t": "token"}, lambda: None)  # type: ignore[arg-type]
    tracker.intended_ns, tracker.unsent = 17, []
    tracker.before("shop.pay", headers=message())
    with ThreadPoolExecutor(1) as other:
        headers = message(id="b")
        other.submit(tracker.before, "shop.refund", headers=headers).result()
        other.submit(tracker.after, headers=headers).result()

    assert [("a", 17), ("b", None)] == [(each.id, each.intended_ns) for each in written.records[:2]]
    assert tracker.last is written.records[0]
    assert ["b"] == [each.id for each in written.records[2:]], "it is sent"
