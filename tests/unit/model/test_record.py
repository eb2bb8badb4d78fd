"""What a record says about itself."""

from __future__ import annotations

import pytest

from pytest_celery_perf.model.record import Outcome
from tests.unit.histories import NAME, at, crashed, execution, history


def test_a_start_without_an_end_is_a_crash() -> None:
    lost = crashed()
    assert (lost.started, lost.crashed) == (True, True)


def test_what_has_ended_or_never_began_is_no_crash() -> None:
    finished, waiting = execution(), execution(started=None, ended=False)
    assert (finished.started, finished.crashed) == (True, False)
    assert (waiting.started, waiting.crashed) == (False, False)


@pytest.mark.parametrize("outcome", list(Outcome))
def test_only_a_retry_announces_another_execution(outcome: Outcome) -> None:
    assert (outcome is not Outcome.RETRIED) == outcome.final


def test_a_history_gives_the_executions_of_one_task_or_of_all() -> None:
    one, other = execution("t1"), execution("t2", name="shop.tasks.mail", received_ns=at(3))
    assert (one,) == history(one, other).named(NAME)
    assert (one, other) == history(one, other).named(None)
    assert history(one, other).named("shop.tasks.nothing") == ()
