from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.measure.points import is_sqlalchemys, plan, spread, targets_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.spec import CrashSweepBudget
from pytest_celery_perf.model.sweep import Target
from tests.unit.histories import NAME, at, execution, history, query

KINDS = ("started", "query", "commit", "connect", "finished", "acknowledgment")


def point(number: int, kind: str = "query", **fields: Any) -> Point:
    defaults = {"label": "", "task_id": "t1", "name": NAME, "retries": 0, "delivery": 1, "at_ns": at(number)}
    return Point(number=number, kind=kind, **{**defaults, **fields})


def targets(*kinds: str) -> tuple[Target, ...]:
    return tuple(Target(id=f"charge:{number}", point=point(number, kind)) for number, kind in enumerate(kinds, start=1))


def ids(chosen: tuple[Target, ...]) -> list[str]:
    return [target.id for target in chosen]


def test_points_have_names_by_task_attempt_and_number() -> None:
    run = history(
        execution(),
        execution("t2", received=20, started=21, name="mail.send"),
        points=(
            point(1, task_id="t2", name="mail.send"),
            point(2),
            point(1, retries=1),
            point(1, "started"),
        ),
    )

    assert ids(targets_of(run)) == ["charge:1", "charge:2", "charge/1:1", "send:1"]
    assert ids(targets_of(run, "mail.send")) == ["send:1"]


def test_two_names_with_the_same_end_are_told_apart() -> None:
    run = history(
        execution(), execution("t2", name="b.charge"), points=(point(1), point(1, task_id="t2", name="b.charge"))
    )

    assert ids(targets_of(run)) == [f"{NAME}:1", "b.charge:1"]


def ways(*kinds_of_each: tuple[str, ...], **fields: Any) -> History:
    """Return a run in which tasks of one name went these ways, the first published first."""
    tasks = [(f"t{number}", kinds) for number, kinds in enumerate(kinds_of_each, start=1)]
    runs = (execution(task_id, received=20 * n, started=20 * n + 1) for n, (task_id, _) in enumerate(tasks))
    points = [point(n, kind, task_id=task_id) for task_id, kinds in tasks for n, kind in enumerate(kinds, start=1)]
    return history(*runs, points=(*points[::-1],), **fields)


def test_of_several_tasks_that_go_one_way_the_first_is_meant() -> None:
    found = targets_of(ways(("started", "query"), ("started", "query")))

    assert [(each.id, each.point.task_id, each.way) for each in found] == [("charge:1", "t1", 0), ("charge:2", "t1", 0)]


def test_of_another_way_the_points_are_meant_that_are_beyond_the_first() -> None:
    """The same point behind another one is another point."""
    found = targets_of(ways(("started", "query", "finished"), ("started", "commit", "finished", "acknowledgment")))

    assert ids(found) == ["charge:1", "charge:2", "charge:3", "charge#2:2", "charge#2:3", "charge#2:4"]
    assert [each.point.task_id for each in found] == ["t1"] * 3 + ["t2"] * 3
    *before, finished, acknowledged = (each.way for each in found)
    assert len({*before, finished}) == 5, "a fault strikes whoever has come that way"
    assert acknowledged == finished


def test_attempts_that_go_different_ways() -> None:
    run = ways(("started", "finished"), ("started", "finished"))
    second = (point(1, task_id="t1", retries=1), point(1, "commit", task_id="t2", retries=1))
    found = targets_of(replace(run, points=(*run.points, *second)))

    assert ids(found) == ["charge:1", "charge:2", "charge/1:1", "charge#2/1:1"]
    assert [bool(each.way) for each in found] == [False, False, True, True]


@pytest.mark.parametrize(
    ("kind", "label", "libraries", "expected"),
    [
        ("query", "stock.db: SELECT ?", {"stock.db": "sqlalchemy"}, True),
        ("commit", "stock.db", {"stock.db": "sqlalchemy", "audit": "django"}, True),
        ("query", "audit: SELECT ?", {"stock.db": "sqlalchemy", "audit": "django"}, False),
        ("query", "SELECT ?", {"stock.db": "sqlalchemy", "default": "django"}, False),
        ("commit", "never.asked", {"stock.db": "sqlalchemy"}, True),
        ("connect", "stock.db", {"stock.db": "sqlalchemy"}, False),
        ("started", "", {}, False),
    ],
)
def test_whose_library_a_query_is(kind: str, label: str, libraries: dict[str, str], expected: bool) -> None:
    used = tuple(query(alias=alias, library=library) for alias, library in libraries.items())

    assert is_sqlalchemys(point(2, kind, label=label), history(execution(queries=used))) is expected


def test_a_redelivery_adds_no_points() -> None:
    run = history(execution(), execution(delivery=2, received=30, started=31), points=(point(1), point(1, delivery=2)))

    assert ids(targets_of(run)) == ["charge:1"]


def test_kinds_that_are_of_no_interest_are_left_out() -> None:
    chosen = plan(targets(*KINDS), CrashSweepBudget(points=("query", "commit")))

    assert ids(chosen.targets) == ["charge:2", "charge:3"]
    assert {reason for reason, _ in chosen.left_out} == {"points"}
    assert chosen.all == len(KINDS)


def test_one_point_alone() -> None:
    chosen = plan(targets(*KINDS), CrashSweepBudget(sample=1), only="charge:4")

    assert ids(chosen.targets) == ["charge:4"]
    assert [reason for reason, _ in chosen.left_out] == ["point"] * (len(KINDS) - 1)


def test_one_point_alone_that_the_marker_does_not_want() -> None:
    """It may be another marker of the same test which does."""
    chosen = plan(targets(*KINDS), CrashSweepBudget(points=("query",)), only="charge:4")

    assert chosen.targets == ()
    assert [target.id for reason, target in chosen.left_out if reason == "points"] == ["charge:4"]


def test_a_sample_depends_on_nothing_but_its_seed() -> None:
    every = targets(*["query"] * 40)

    one, same, other = (plan(every, CrashSweepBudget(sample=10, seed=seed)) for seed in (7, 7, 8))

    assert len(one.targets) == 10
    assert one == same
    assert one.targets != other.targets
    assert ids(one.targets) == [each.id for each in every if each in one.targets]
    assert {reason for reason, _ in one.left_out} == {"sample=10, seed=7"}


def test_a_sample_larger_than_all_is_all() -> None:
    assert plan(targets("query"), CrashSweepBudget(sample=10)).left_out == ()


@given(st.lists(st.integers(), max_size=70))
def test_to_spread_leaves_nothing_out(items: list[int]) -> None:
    assert sorted(spread(items)) == sorted(items)


@pytest.mark.parametrize("first", [2, 4, 8])
def test_every_beginning_is_spread_over_all(first: int) -> None:
    parts = {number * first // 64 for number in spread(range(64))[:first]}

    assert parts == {*range(first)}
