"""The points of a history: by execution, in their order, whoever wrote them when."""

from __future__ import annotations

from pytest_celery_perf.collect.history import freeze
from pytest_celery_perf.measure.selection import published_since
from pytest_celery_perf.model.record import Frame, Point
from pytest_celery_perf.probe import wire
from tests.unit.collect.test_ledger import CHILD, MAIN, TEST, Files, acknowledged, entered, publishing, received, run

STACK: wire.Record = wire.Stack(4, [("/shop/tasks.py", 7, "pay")])


def touched(number: int, kind: str, label: str = "", stack: int | None = None, *, ns: int = 22) -> wire.Touched:
    return wire.Touched(ns, "pay", 0, 10, number, kind, label, stack)


def points(*child: wire.Record, main: tuple[wire.Record, ...] = ()) -> tuple[Point, ...]:
    begun, ended = run("pay")
    files: Files = {
        TEST: publishing("pay"),
        MAIN: [received("pay"), *main, acknowledged("pay")],
        CHILD: [begun, *child, ended],
    }
    return freeze(*entered(files)).points


def test_the_acknowledgment_is_the_last_point_though_it_may_come_early() -> None:
    child = (touched(1, "started"), touched(2, "query", "SELECT ?"), touched(3, "finished"))
    found = points(*child, main=(touched(0, "acknowledgment", ns=21),))
    assert [(point.number, point.kind) for point in found] == [
        (1, "started"),
        (2, "query"),
        (3, "finished"),
        (4, "acknowledgment"),
    ]
    assert [point.at for point in found] == ["touch:1", "touch:2", "touch:3", "acknowledgment"]


def test_a_point_tells_its_line_and_what_an_order_may_expect() -> None:
    (point,) = points(STACK, touched(1, "query", "SELECT ?", 4))
    assert (point.name, point.delivery, point.expected) == ("shop.pay", 1, "query SELECT ?")
    assert point.where == Frame(path="/shop/tasks.py", line=7, function="pay")


def test_what_no_line_of_the_users_does_has_none() -> None:
    (point,) = points(touched(1, "started"))
    assert (point.where, point.expected) == (None, "started")


def test_points_are_those_of_the_tasks_that_are_chosen() -> None:
    begun, ended = run("pay")
    files: Files = {TEST: publishing("pay"), MAIN: [received("pay")], CHILD: [begun, touched(1, "started"), ended]}
    history = freeze(*entered(files))
    assert len(history.points) == 1
    assert published_since(history, 10**18).points == ()
