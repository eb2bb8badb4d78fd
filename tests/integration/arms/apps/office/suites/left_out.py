from __future__ import annotations

import office
import pytest


@pytest.mark.celery_regression(metrics=())
def test_as_its_marker_says():
    office.nap.delay(0)


@pytest.mark.skip
def test_skipped(celery_perf):
    office.nap.delay(0)


@pytest.mark.xfail
def test_expected_to_fail(celery_perf):
    office.nap.delay(0)


@pytest.mark.skipif("nonsense")
def test_of_a_broken_condition(celery_perf):
    office.nap.delay(0)


@pytest.mark.celery_recovery
def test_of_a_kill():
    office.nap.delay(0)


@pytest.mark.celery_reliable
def test_of_faults():
    office.nap.delay(0)


@pytest.mark.celery_retries(attempts=1)
def test_with_shorter_countdowns():
    office.nap.delay(0)


@pytest.mark.celery_scaling(sizes=[1, 2], max_slope=0)
def test_of_several_runs(celery_size):
    office.nap.delay(0)


def test_with_a_broker_of_its_own(celery_faults):
    office.nap.delay(0)


def test_of_something_else():
    pass
