"""``celery_reliable`` on good and on bad code; each test is expected by name in test_reliable.py."""

from __future__ import annotations

import pytest
from office import die, fragile, misrouted, much_later, safe, steady, unsafe

from pytest_celery_perf import CeleryPerf


@pytest.mark.celery_reliable
def test_undisturbed() -> None:
    safe.delay()


@pytest.mark.celery_recovery(kill="child")
@pytest.mark.celery_reliable(max_executions=2, within="1min")
def test_recovered() -> None:
    safe.delay()


@pytest.mark.celery_recovery(kill="worker")
@pytest.mark.celery_reliable(max_executions=2, within="1min")
def test_recovered_from_the_death_of_the_worker() -> None:
    safe.delay()


@pytest.mark.celery_reliable(declared_failures=[LookupError])
def test_failed_as_declared() -> None:
    fragile.delay(fail=True)


@pytest.mark.celery_reliable(declared_failures=["LookupError"])
def test_failed_as_declared_by_name() -> None:
    fragile.delay(fail=True)


@pytest.mark.celery_retries(attempts=2)
@pytest.mark.celery_reliable
def test_retried(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(steady)
    steady.delay()


@pytest.mark.celery_reliable
def test_the_journal_can_be_printed(celery_perf: CeleryPerf) -> None:
    run = celery_perf.run(safe)
    task = f"safe[{run.lives[0].task_id[:8]}]"
    told = [line.rpartition("  ")[2].strip() for line in celery_perf.journal().splitlines()]
    assert told == [
        f"published {task} to 'celery'",
        f"received {task}",
        f"started {task}",
        f"{task} succeeded",
        f"acknowledged {task}",
    ]


@pytest.mark.celery_recovery(kill="child", at="started")
@pytest.mark.celery_reliable
def test_lost() -> None:
    unsafe.delay()


@pytest.mark.celery_reliable(max_executions=2)
@pytest.mark.celery_recovery(kill="worker", at="started")
def test_lost_with_the_worker() -> None:
    unsafe.delay()


@pytest.mark.celery_reliable
def test_failed() -> None:
    fragile.delay(fail=True)


@pytest.mark.celery_reliable(declared_failures=[ValueError])
def test_failed_otherwise() -> None:
    fragile.delay(fail=True)


@pytest.mark.celery_recovery(kill="child")
@pytest.mark.celery_reliable(max_executions=1)
def test_too_often() -> None:
    safe.delay()


@pytest.mark.celery_recovery(kill="child", times=3, max_executions=4)
@pytest.mark.celery_reliable(max_executions=2)
def test_dies_again_and_again() -> None:
    safe.delay()


@pytest.mark.celery_recovery(kill="child")
@pytest.mark.celery_reliable(max_executions=2, within="1ns")
def test_too_late() -> None:
    safe.delay()


@pytest.mark.celery_retries(attempts=2)
@pytest.mark.celery_reliable
def test_beyond_the_visibility_timeout(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(much_later)
    much_later.delay()


@pytest.mark.celery_worker(config={"broker_transport_options": {"visibility_timeout": 3 * 3600}})
@pytest.mark.celery_retries(attempts=2)
@pytest.mark.celery_reliable
def test_within_the_workers_own_visibility_timeout(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(much_later)
    much_later.delay()


@pytest.mark.celery_worker(name="patient", config={"broker_transport_options": {"visibility_timeout": 3 * 3600}})
@pytest.mark.celery_worker(name="hasty", config={"broker_transport_options": {"visibility_timeout": 60}})
@pytest.mark.celery_retries(attempts=2)
@pytest.mark.celery_reliable
def test_beyond_that_of_one_worker(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(much_later)
    much_later.delay()


@pytest.mark.celery_worker(name="mortal", concurrency=1)
@pytest.mark.celery_reliable
def test_the_worker_dies() -> None:
    die.delay()


@pytest.mark.celery_reliable
def test_stranded_in_a_queue() -> None:
    misrouted.delay()


@pytest.mark.celery_reliable
def test_stranded_until_its_eta() -> None:
    safe.apply_async(countdown=3000)
