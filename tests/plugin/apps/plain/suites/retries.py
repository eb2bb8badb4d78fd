"""``celery_retries`` on good and on bad code; each test is expected by name in test_retries.py."""

from __future__ import annotations

import pytest
from office import add, choosy, fragile, growing, jittery, patient, steady

from pytest_celery_perf import CeleryPerf


@pytest.mark.celery_retries(
    attempts=4,
    backoff="exponential",
    countdowns=["1s", 2, "4s"],
    max_countdown=16,
    jitter=False,
    final="succeeded",
)
def test_growing(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(growing, with_=ConnectionError("down"), times=3)
    growing.delay()


@pytest.mark.celery_retries(attempts=6, final="failed")
def test_giving_up(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(growing, times=6)
    growing.delay()


@pytest.mark.celery_retries(backoff="fixed", countdowns=[30, 30], max_countdown="30s", attempts=3)
def test_fixed(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(steady, times=2)
    steady.delay()


@pytest.mark.celery_retries(jitter=True, countdowns=[1, 2, 4], backoff="exponential", attempts=4)
def test_jittery(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(jittery, times=3)
    jittery.delay()


@pytest.mark.celery_retries(countdowns=[300, 600, 600], max_countdown="10min", attempts=4, final="failed")
def test_hours_are_seconds(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(patient, times=4)
    patient.delay()


@pytest.mark.celery_retries(attempts=1, final="succeeded")
def test_what_is_well_is_not_tried_again() -> None:
    add.delay(1, 2)


@pytest.mark.celery_retries(attempts=1, final="succeeded")
def test_first_calls_wait_no_longer_than_retries(celery_perf: CeleryPerf) -> None:
    add.apply_async((1, 2), countdown=3600, expires=7200, link=add.si(3, 4).set(countdown=1800, expires=3600))
    celery_perf.wait()
    calls = celery_perf.history.publications
    assert [pytest.approx(each, abs=10) for each in (3600, 1800)] == [each.countdown_s for each in calls]
    assert [pytest.approx(each, abs=1) for each in (3.6, 1.8)] == [each.waited_s for each in calls]
    assert [pytest.approx(each, abs=10) for each in (7200, 3600)] == [each.expires_s for each in calls]


@pytest.mark.celery_retries(attempts=1)
def test_expired_before_its_first_attempt() -> None:
    add.apply_async((1, 2), countdown=3600, expires=600)


@pytest.mark.celery_retries(attempts=4)
def test_expired_before_its_next_attempt() -> None:
    choosy.apply_async(expires=44)


@pytest.mark.celery_retries(attempts=3)
def test_too_many_attempts(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(growing, times=4)
    growing.delay()


@pytest.mark.celery_retries(attempts=3)
def test_too_few_attempts(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(fragile)
    fragile.delay()


@pytest.mark.celery_retries(attempts=3)
def test_nothing_provoked() -> None:
    growing.delay()


@pytest.mark.celery_retries(backoff="exponential")
def test_not_exponential(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(steady, times=3)
    steady.delay()


@pytest.mark.celery_retries(backoff="fixed")
def test_not_fixed(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(growing, times=3)
    growing.delay()


@pytest.mark.celery_retries(countdowns=[5, 60, 60])
def test_other_countdowns() -> None:
    choosy.delay()


@pytest.mark.celery_retries(max_countdown="5min")
def test_too_long_a_countdown(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(patient, times=1)
    patient.delay()


@pytest.mark.celery_retries(jitter=True)
def test_no_jitter(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(growing, times=2)
    growing.delay()


@pytest.mark.celery_retries(jitter=False)
def test_unwanted_jitter(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(jittery, times=2)
    jittery.delay()


@pytest.mark.celery_retries(final="succeeded")
def test_failed_in_the_end(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(steady, with_=ConnectionError("no route"), times=4)
    steady.delay()


@pytest.mark.celery_retries(final="failed")
def test_succeeded_in_the_end(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(steady, times=2)
    steady.delay()


@pytest.mark.celery_retries(attempts=2)
def test_another_exception(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(growing, with_=KeyError)
    growing.delay()


@pytest.mark.celery_retries(attempts=1)
def test_an_error_too_seldom(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(fragile, times=2)
    fragile.delay()


def test_an_error_of_nothing(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(fragile)


@pytest.mark.celery_retries(attempts=1)
class TestMarkersAddUp:
    @pytest.mark.celery_retries(attempts=3)
    def test_that_of_a_test_relaxes_nothing(self, celery_perf: CeleryPerf) -> None:
        celery_perf.fail(growing, times=2)
        growing.delay()
