"""Touch points: numbered in order, written before their effect, struck where they are expected."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.faults import Victim
from pytest_celery_perf.probe.orders import FaultOrder, way_on
from pytest_celery_perf.probe.touch import Touches, is_wanted, stable

PUBLISHING = wire.Publishing(1, "token", "child", None, None, "shop.mail", 0, "celery", None, None, None)


class Written:
    """A journal that only remembers."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self._refs = itertools.count(7)

    def write(self, record: wire.Record) -> None:
        self.records.append(record)

    def stack(self, _frames: object) -> int:
        return next(self._refs)

    @property
    def points(self) -> list[tuple[int, str, str]]:
        return [(each.number, each.kind, each.label) for each in self.records if isinstance(each, wire.Touched)]


class Struck:
    """Faults that only note what they were asked for; a ``raise`` raises."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []

    def announce(self, order: FaultOrder, _victim: Victim, *, found: str) -> bool:
        return order.expect in {"", found}

    def strike(self, order: FaultOrder, _victim: Victim, *, found: str) -> None:
        self.asked.append((order.key, found))
        if order.do == "raise":
            raise ConnectionError


class Attempt:
    """As much of an execution as its touch points know."""

    task_id = "id"
    retries = 1
    received_ns = 10
    victim = Victim("token", "id", 10)

    def __init__(self, *orders: FaultOrder) -> None:
        self.orders = orders


def order(at: str, do: str = "kill-child", **fields: Any) -> FaultOrder:
    return FaultOrder(key=at, task=None, do=do, at=at, **fields)


def touching(*orders: FaultOrder) -> tuple[Touches, Written, Struck]:
    written, struck = Written(), Struck()
    attempt: Any = Attempt(*orders)
    faults: Any = struck
    journal: Any = written
    return Touches(attempt, faults, journal), written, struck


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("order:17:lines", "order:#:lines"),
        ("7f0b5c9e-0d0a-4a53-9b0e-0123456789ab", "#"),
        ("user.6F1ED002AB5595859014EBF0951522D9", "user.#"),
        ("feedback", "feedback"),
        ("v2", "v#"),
    ],
)
def test_a_name_is_the_same_in_all_runs(name: str, expected: str) -> None:
    assert stable(name) == expected
    assert stable(expected) == expected


def test_points_are_numbered_in_their_order() -> None:
    touches, written, _ = touching()
    touches.reach("started")
    touches.reach("query", "SELECT ?")
    touches.announce_end()
    assert written.points == [(1, "started", ""), (2, "query", "SELECT ?"), (3, "finished", "")]
    assert [each[1:4] for each in written.records] == [("id", 1, 10)] * 3


def test_a_point_is_written_before_a_fault_strikes_there() -> None:
    touches, written, struck = touching(order("touch:2", "raise"))
    touches.reach("started")
    with pytest.raises(ConnectionError):
        touches.reach("query", "SELECT ?")
    assert (len(written.points), struck.asked) == (2, [("touch:2", "query SELECT ?")])


def test_the_end_tells_which_faults_are_due_then() -> None:
    due, other, elsewhere = order("touch:1"), order("touch:1", expect="query SELECT ?"), order("touch:2")
    touches, written, struck = touching(due, other, elsewhere)
    assert touches.announce_end() == [due]
    assert (written.points, struck.asked) == ([(1, "finished", "")], [])


def test_only_the_attempt_that_is_meant_suffers() -> None:
    touches, _, struck = touching(order("touch:1", attempt=0), order("touch:1", attempt=1, expect="started"))
    touches.reach("started")
    assert struck.asked == [("touch:1", "started")]


def test_only_who_has_come_the_way_that_is_meant_suffers() -> None:
    there = way_on(way_on(0, "started"), "query SELECT ?")
    touches, _, struck = touching(order("touch:2", way=there), order("touch:1", way=there))
    touches.reach("started")
    touches.reach("query", "SELECT ?")
    elsewhere, _, spared = touching(order("touch:2", way=there))
    elsewhere.reach("commit", "default")
    elsewhere.reach("query", "SELECT ?")
    assert (struck.asked, spared.asked) == ([("touch:2", "query SELECT ?")], [])


def test_after_the_end_nobody_touches() -> None:
    touches, written, struck = touching(order("touch:2"))
    touches.announce_end()
    touches.reach("query")
    assert (written.points, struck.asked) == ([(1, "finished", "")], [])


def test_a_publication_is_announced_when_nothing_can_prevent_it() -> None:
    touches, written, _ = touching()
    touches.announce(PUBLISHING)
    assert written.records == []
    touches.publish({"id": "child", "task": "shop.mail"}, "celery")
    assert written.points == [(1, "publish", "shop.mail to celery")]
    assert written.records[-1] is PUBLISHING


def test_a_publication_that_is_prevented_is_never_announced() -> None:
    touches, written, _ = touching(order("touch:1", "raise"))
    touches.announce(PUBLISHING)
    with pytest.raises(ConnectionError):
        touches.publish({"id": "child", "task": "shop.mail"}, "celery")
    assert PUBLISHING not in written.records


def test_after_the_end_a_publication_is_announced_at_once() -> None:
    touches, written, _ = touching()
    touches.announce_end()
    touches.announce(PUBLISHING)
    assert written.records[-1] is PUBLISHING


def test_what_is_no_task_is_known_by_where_it_goes() -> None:
    touches, written, _ = touching()
    touches.publish({}, "reply.7f0b5c9e-0d0a-4a53-9b0e-0123456789ab")
    assert written.points == [(1, "publish", "reply.#")]


@pytest.mark.parametrize(
    ("header", "orders", "wanted"),
    [
        ({}, (), False),
        ({"touch": True}, (), True),
        ({}, (order("query:3"), order("started")), False),
        ({}, (order("touch:3"),), True),
        ({}, (order("acknowledgment"),), True),
    ],
)
def test_points_are_wanted_if_asked_for_or_if_a_fault_needs_them(
    header: dict[str, Any], orders: tuple[FaultOrder, ...], wanted: bool
) -> None:
    assert is_wanted(header, orders) == wanted
