from __future__ import annotations

import pytest

from tests.integration.pitfalls.session import Session


@pytest.mark.parametrize("scene", ["test_task_of_the_frontend", "test_by_name"])
def test_tasks_are_known_by_name(scene: str, twins: Session) -> None:
    """Pitfall 10: one app publishes, another one runs; their task objects share only the name."""
    run = twins.passed(scene)
    assert run.succeeded == 1
    assert set(run.by_task) == {"jobs.resize"}


def test_a_fault_finds_its_task_by_name(twins: Session) -> None:
    """Pitfall 10: the other app's object names the task that shall suffer it."""
    (execution,) = twins.passed("test_fault").history.executions
    assert execution.injected


def test_both_apps_are_restored(twins: Session) -> None:
    """Pitfall 10: each app has its own settings back after a test."""
    assert "test_restored" not in twins.failures
    assert "4 passed" in twins.output


@pytest.mark.parametrize("scene", ["test_old_names", "test_new_name_over_an_old_one"])
def test_old_setting_names(scene: str, legacy: Session) -> None:
    """Pitfall 11: ``BROKER_URL`` and its like, set in code, are replaced as well; results arrive."""
    assert legacy.passed(scene).succeeded == 1
    assert "broker_url (was redis://127.0.0.1:1/0)" in " ".join(legacy.output.split())


def test_a_queue_that_nobody_consumes(legacy: Session) -> None:
    """Pitfall 11: the app's default queue may be one that its own worker does not consume."""
    message = legacy.failed("test_queue_that_nobody_consumes")
    assert 'No worker consumes the queue "orders"' in message
    assert 'Consumed are "bills"' in message


def test_an_app_that_refuses_unknown_tasks_and_queues(fussy: Session) -> None:
    """Pitfall 12: the worker refuses to boot with a task that it does not know; an ad-hoc queue is the app's error."""
    assert fussy.passed("test_boots_and_runs").succeeded == 1
    assert fussy.passed("test_unknown_queue_is_the_error_of_the_app").tasks == 0


def test_a_boot_that_needs_broker_and_database(shop: Session) -> None:
    """Pitfall 12: every worker of the shop asks the migrated database and the broker before it is ready."""
    assert shop.passed("test_on_commit").succeeded == 1


def test_serializers_of_the_app(fussy: Session) -> None:
    """Pitfall 14: signed pickles, registered on import; a dataclass with a path as argument, in a retry too."""
    run = fussy.passed("test_retry_is_signed")
    assert (run.succeeded, run.attempts) == (1, 2)


def test_silenced_loggers(fussy: Session) -> None:
    """Pitfall 15: the app disables all loggers, so nobody ever logs "ready."; its signal tells."""
    assert fussy.passed("test_boots_and_runs").succeeded == 1
    assert "ready." not in fussy.output
