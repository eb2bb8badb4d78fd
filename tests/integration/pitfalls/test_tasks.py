from __future__ import annotations

import celery

from pytest_celery_perf.model.record import Outcome
from tests.integration.pitfalls.session import Session, outcomes, query_counts

CELERY = celery.VERSION[:2]


def test_a_call_that_enters_a_context(bare: Session) -> None:
    """Pitfall 5: ``__call__`` enters the app's context, for functions and classes, without and with threads."""
    assert bare.passed("test_call").succeeded == 2
    assert bare.passed("test_call_in_threads").succeeded == 4


def test_a_call_that_loads_an_instance(shop: Session) -> None:
    """Pitfall 5: ``__call__`` turns a key into an instance: a query, but not one of the task's own function."""
    run = shop.passed("test_call")
    assert (query_counts(run), query_counts(run, "hooks")) == ([1], [1])


def test_a_signature_is_that_of_the_task(shop: Session) -> None:
    """Pitfall 5: celery-once looks at the signature of ``run``, which autoretry replaces; the worker's is the same."""
    run = shop.passed("test_once_retried")
    assert outcomes(run) == [Outcome.RETRIED, Outcome.RETRIED, Outcome.SUCCEEDED]
    assert query_counts(run) == [1, 1, 1]


def test_an_expected_failure(bare: Session) -> None:
    """Pitfall 17: what ``throws=`` names is a failure all the same."""
    run = bare.passed("test_expected_failure")
    assert (run.failed, run.executions) == (1, 1)


def test_a_retry_is_an_execution_of_its_own(bare: Session) -> None:
    """Pitfall 17: one id, several samples."""
    run = bare.passed("test_retries")
    assert (run.tasks, run.executions, run.retried, run.failed) == (1, 3, 2, 1)
    assert (run.runtime.count, run.end_to_end.count) == (3, 1)
    assert len({execution.task_id for execution in run.history.executions}) == 1


def test_ends_that_are_no_results(bare: Session) -> None:
    """Pitfall 17: ``Ignore`` and ``Reject`` end a task too."""
    run = bare.passed("test_other_ends")
    assert (run.ignored, run.rejected, run.unfinished) == (1, 1, 0)


def test_a_task_that_leaves_its_process(bare: Session) -> None:
    """Pitfall 16: ``task_postrun`` comes with no state; the worker tells later that the process is gone."""
    run = bare.passed("test_leaves")
    # Celery took such an end for an ordinary failure until 5.7.
    expected = (1, [Outcome.LOST]) if CELERY >= (5, 7) else (0, [Outcome.FAILED])
    assert (run.lost, outcomes(run)) == expected


def test_a_worker_that_stops_in_mid_task(bare: Session) -> None:
    """Pitfall 16: the task that is cut off has no outcome; acknowledged early, it is lost."""
    assert "LOST bare.long" in bare.failed("test_stopped_in_mid_task")
    run = bare.runs["test_stopped_in_mid_task"]
    assert (run.lost, outcomes(run)) == (1, [None])
    assert [execution.crashed for execution in run.history.executions] == [True]
