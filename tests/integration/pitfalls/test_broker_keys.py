from __future__ import annotations

from pytest_celery_perf.model.record import Outcome
from tests.integration.pitfalls.session import Session, outcomes


def test_priorities_with_steps_of_the_app(fussy: Session) -> None:
    """Pitfall 13: Redis keys by priority, with the app's separator, steps and prefix."""
    (execution,) = fussy.passed("test_priority").history.executions
    assert (execution.queue, execution.priority) == ("checkout", 4)


def test_messages_under_several_keys(fussy: Session) -> None:
    """Pitfall 13: the messages of one queue lie under three keys; kombu knows them."""
    message = fussy.failed("test_depth")
    assert 'No worker consumes the queue "checkout", where 3 tasks wait' in message


def test_recovery_with_a_prefix(fussy: Session) -> None:
    """Pitfall 13: so do the unacknowledged ones of a worker that was killed."""
    run = fussy.passed("test_recovery")
    assert outcomes(run) == [None, Outcome.SUCCEEDED]
    assert run.history.stuck_unacked == ()
