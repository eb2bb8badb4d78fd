"""``celery_recovery`` on good and on bad code; each test is expected by name in test_recovery.py."""

from __future__ import annotations

import pytest
from library.tasks import enter, enter_half_safely, enter_unsafely

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.celery_worker(concurrency=2)]


@pytest.mark.celery_recovery(kill="child", at="started", max_executions=2, within="1min")
def test_child_started() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="child", at="query:2", max_executions=2)
def test_child_query() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="child", at="finished", max_executions=2)
def test_child_finished() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="worker", at="received", max_executions=1, within="1min")
def test_worker_received() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="worker", at="started", max_executions=2)
def test_worker_started() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="worker", at="query:3", max_executions=2)
def test_worker_query() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="worker", at="finished", max_executions=2)
def test_worker_finished() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="child", at="started", times=2, max_executions=3)
def test_twice() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="worker", at="started")
def test_half_safe_is_safe_when_the_worker_dies() -> None:
    enter_half_safely.delay("one")


@pytest.mark.celery_recovery(kill="worker", at="started")
def test_acks_early() -> None:
    enter_unsafely.delay("one")


@pytest.mark.celery_recovery(kill="child", at="started")
def test_acks_early_child() -> None:
    enter_unsafely.delay("one")


@pytest.mark.celery_recovery(kill="child", at="started")
def test_not_rejected_on_worker_lost() -> None:
    enter_half_safely.delay("one")


@pytest.mark.celery_recovery(kill="child", at="started", max_executions=1)
def test_too_many_executions() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="child", at="started", within="1ns")
def test_too_slow() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="child", at="query:99")
def test_never_reached() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="worker", at="started", within="1ns")
def test_in_production() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="child", signal="SIGINT", at="started")
def test_survived() -> None:
    enter_unsafely.delay("one")


@pytest.mark.celery_recovery(kill="child", signal="SIGINT", at="finished")
def test_survived_at_its_end() -> None:
    enter_unsafely.delay("one")


@pytest.mark.celery_recovery(kill="child", signal="SIGTERM", at="started")
def test_child_terminated() -> None:
    enter.delay("one")


@pytest.mark.celery_recovery(kill="worker", signal="SIGTERM", at="started")
def test_worker_shut_down() -> None:
    enter.delay("one")
