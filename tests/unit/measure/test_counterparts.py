from __future__ import annotations

from typing import Any

from pytest_celery_perf.measure.counterparts import counterparts
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Publication
from tests.unit.histories import BOOT, crashed, execution, fault, history, publication


def child(task_id: str, ms: float, parent: str = "t1", **fields: Any) -> Publication:
    return publication(task_id, ms=ms, **{"name": "mail", "parent_id": parent, "boot": BOOT, **fields})


def of_the_test(*ids: str, name: str = "charge", later: float = 0) -> list[Publication]:
    return [publication(each, ms=n + later, name=name) for n, each in enumerate(ids)]


def run(*executions: Any, publications: list[Publication], **fields: Any) -> History:
    return history(*executions, publications=tuple(publications), **fields)


def test_the_nth_of_a_name_is_the_nth_of_that_name() -> None:
    reference = run(publications=[*of_the_test("a", "b"), *of_the_test("m", name="mail", later=0.5)])
    other = run(publications=[*of_the_test("m2", name="mail"), *of_the_test("a2", "b2", "c2", later=0.5)])

    assert counterparts(reference, other) == {"m2": "m", "a2": "a", "b2": "b"}


def test_children_are_told_apart_by_their_parents() -> None:
    executions = (execution("t1", started=2), execution("t2", started=2))
    parents = of_the_test("t1", "t2")
    reference = run(*executions, publications=[*parents, child("one", 4), child("two", 5, "t2")])
    other = run(*executions, publications=[*parents, child("second", 4, "t2"), child("first", 5)])

    assert counterparts(reference, other) == {"t1": "t1", "t2": "t2", "first": "one", "second": "two"}


def test_what_begins_again_publishes_the_same_children_again() -> None:
    reference = run(execution(), publications=[*of_the_test("t1"), child("a", 3), child("b", 4)])
    twice = (crashed(started=2), execution(delivery=2, received=20, started=21))
    children = [child("a1", 3), child("a2", 22), child("b2", 23)]

    assert counterparts(reference, run(*twice, publications=[*of_the_test("t1"), *children])) == {
        "t1": "t1",
        "a1": "a",
        "a2": "a",
        "b2": "b",
    }


def test_a_retry_is_the_same_task() -> None:
    both = of_the_test("t1")
    retry = [publication("t1", ms=5, name="charge", retries=1), publication("t2", ms=9, name="charge")]

    assert counterparts(run(publications=both), run(publications=[*both, *retry])) == {"t1": "t1"}


def test_a_copy_with_an_id_of_its_own_is_what_it_is_a_copy_of() -> None:
    """It counts for nobody who is published later."""
    faults = (fault("double", task_id="a2"), fault("delivered-again", task_id="copy"))
    published = [
        *of_the_test("a2"),
        publication("copy", ms=3, name="charge"),
        publication("b2", ms=4, name="charge"),
    ]
    reference = run(publications=of_the_test("a", "b"))

    assert counterparts(reference, run(publications=published, faults=faults)) == {"a2": "a", "copy": "a", "b2": "b"}


def test_a_child_of_another_worker_that_ran_its_parent_at_the_same_time() -> None:
    twice = (execution(started=2), execution(delivery=2, received=3, started=4, boot="boot-2"))
    children = [child("a1", 5), child("a2", 6, boot="boot-2")]
    reference = run(execution(), publications=[*of_the_test("t1"), child("a", 3)])

    assert counterparts(reference, run(*twice, publications=[*of_the_test("t1"), *children])) == {
        "t1": "t1",
        "a1": "a",
        "a2": "a",
    }
