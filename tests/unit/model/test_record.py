"""What a record says about itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_celery_perf.model.record import Outcome
from tests.unit.histories import NAME, at, crashed, execution, history, worker


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


def test_the_first_worker_to_look_counts_since_each_looks_after_the_messages_of_all() -> None:
    patient, hasty = worker("one", visibility_timeout_s=7200.0), worker("two", visibility_timeout_s=60.0)
    told = history(execution(), workers=(patient, hasty))
    assert (told.sweeper, told.visibility_timeout_s, told.restore_delay_s) == (hasty, 60.0, 100.0)
    nobody = replace(told, workers=())
    assert (None, 0.0) == (nobody.visibility_timeout_s, nobody.restore_delay_s)
