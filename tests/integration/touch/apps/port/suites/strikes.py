"""Faults at touch points: before the effect, and nowhere else."""

from __future__ import annotations

import pytest
from port.models import Ship
from port.tasks import capsize, enlist, insist, sail

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

LAST = 9
"""Of `sail`, before its acknowledgment."""


def kinds(history, task=sail, delivery=1):
    return [each.kind for each in history.points if each.name == task.name and each.delivery == delivery]


def faults(history):
    return [(each.kind, each.point) for each in history.faults if each.task_id is not None]


@pytest.mark.parametrize("number", range(1, LAST + 1))
def test_kill_child(celery_perf, lab, harbour, number):
    lab.order(f"touch:{number}", "kill-child")
    run = celery_perf.run(sail, ["Ada", harbour])
    assert faults(run.history) == [("kill-child", f"touch:{number}")]
    # The last point that was reached is the one before whose effect the child died.
    assert len(kinds(run.history)) == number
    first, second = (each for each in run.history.executions if each.name == sail.name)
    assert (first.pid != second.pid, second.outcome, Ship.objects.count()) == (True, "succeeded", 1)
    # What was committed before the fifth point's effect is not there.
    assert ("commit" in kinds(run.history, delivery=2)) == (number <= 5)


def test_a_publish_that_is_prevented_was_never_begun(celery_perf, lab, harbour):
    lab.order("touch:7", "kill-child", expect="publish port.tasks.greet to celery")
    history = celery_perf.run(sail, ["Ada", harbour]).history
    assert [each.name for each in history.publications] == [sail.name]


@pytest.mark.parametrize("at", ["touch:4", "acknowledgment"])
def test_kill_worker(celery_perf, lab, harbour, at):
    lab.order(at, "kill-worker")
    run = celery_perf.run(sail, ["Ada", harbour])
    assert faults(run.history) == [("kill-worker", at)]
    assert [each.delivery for each in run.history.executions if each.name == sail.name] == [1, 2]
    assert Ship.objects.count() == 1


ERRORS = {
    2: ("django.db.utils", "OperationalError"),
    5: ("django.db.utils", "OperationalError"),
    6: ("builtins", "ConnectionError"),
    # What kombu makes of a ConnectionError, as of any that its publish meets with.
    7: ("kombu.exceptions", "OperationalError"),
    8: ("builtins", "TimeoutError"),
}


@pytest.mark.parametrize("number", ERRORS)
def test_raise(celery_perf, lab, harbour, number):
    module, name = ERRORS[number]
    error = "builtins:ConnectionError" if module == "kombu.exceptions" else f"{module}:{name}"
    lab.order(f"touch:{number}", "raise", error=error, args=("struck",))
    run = celery_perf.run(sail, ["Ada", harbour])
    (error,) = [each.error for each in run.history.executions if each.name == sail.name]
    assert (error.type, error.message, error.where.function) == (f"{module}.{name}", "struck", "sail")
    # A commit that fails rolls back: one more point.
    assert [each for each in kinds(run.history) if each != "rollback"][number:] == ["finished", "acknowledgment"]
    assert Ship.objects.count() == int(number > 5)


def test_another_way_is_reported_and_not_struck(celery_perf, lab):
    lab.order("touch:2", "kill-child", expect="query SELECT ? FROM port_ship")
    run = celery_perf.run(capsize, ["Ada"])
    assert faults(run.history) == [("diverged", "touch:2")]
    assert len(run.history.executions) == 1


def test_a_point_that_is_expected_is_struck(celery_perf, lab):
    lab.order("touch:3", "kill-worker", expect="rollback default")
    assert faults(celery_perf.run(capsize, ["Ada"]).history) == [("kill-worker", "touch:3")]


@pytest.mark.parametrize("attempt", [0, 1])
def test_an_attempt_of_its_own(celery_perf, lab, attempt):
    lab.order("touch:2", "kill-child", attempt=attempt)
    executions = celery_perf.run(insist, ["Ada"]).history.executions
    assert [each.retries for each in executions] == sorted([0, 1, attempt])
    assert Ship.objects.count() == 1


def test_a_held_task_goes_on_when_the_test_ends(celery_perf, lab):
    lab.order("touch:2", "hold")
    enlist.delay("Ada")
    lab.await_fault("hold")
    lab.trial.release("order")


def test_a_dead_child_is_noticed_without_celerys_timer(celery_perf, lab):
    """This app has none: in half of the cases nobody would ever notice, so nine are no chance."""
    for number in range(9):
        lab.order("touch:1", "kill-child", key=f"order{number}")
        assert len(celery_perf.run(capsize, ["Ada"]).history.executions) == 2
