"""Faults of the broker, whatever it runs in; all of these pass but the one that is named for what it loses."""

import pytest
from office import safe

pytestmark = pytest.mark.celery_worker(concurrency=1)


def backlog(celery_faults):
    """Have one task run, some be received and some wait."""
    held = celery_faults.hold(safe)
    for _ in range(8):
        safe.delay()
    held.wait()
    celery_faults.when("received", safe, nth=4)
    return held


def test_killed_with_its_data(celery_perf, celery_faults):
    with backlog(celery_faults), celery_faults.broker.kill():
        assert not celery_perf.broker.ping()
    assert celery_perf.wait().succeeded == 8


@pytest.mark.celery_reliable(max_executions=2)
def test_killed_without_its_data(celery_faults):
    with backlog(celery_faults), celery_faults.broker.kill(keep_data=False):
        pass


def test_restarted(celery_perf, celery_faults):
    with backlog(celery_faults):
        celery_faults.broker.restart()
    assert celery_perf.wait().succeeded == 8


def test_paused(celery_perf, celery_faults):
    with backlog(celery_faults), celery_faults.broker.pause():
        assert not celery_perf.broker.ping()
    assert celery_perf.wait().succeeded == 8


def test_killed_and_left_so(celery_faults):
    celery_faults.broker.kill()


def test_paused_and_left_so(celery_faults):
    celery_faults.broker.pause()


def test_the_next_one_finds_nothing(celery_perf, celery_faults):
    assert celery_perf.run(safe).executions == 1
