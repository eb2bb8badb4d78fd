"""Faults of workers in containers; all of these pass."""

import os

import pytest
from office import safe

IMAGE, BOX = os.environ["OFFICE_IMAGE"], os.environ["OFFICE_BOX"]
box = pytest.mark.celery_worker(name=BOX, runtime="container", image=IMAGE, concurrency=1, memory="256MiB")
solo = pytest.mark.celery_worker(name=BOX, runtime="container", image=IMAGE, pool="solo", memory="256MiB")


def faults(celery_perf):
    return [fault.kind for fault in celery_perf.history.faults]


@box
@pytest.mark.celery_reliable(max_executions=2)
@pytest.mark.celery_fault(kind="out_of_memory")
def test_the_kernel_kills_a_child():
    safe.delay()


@solo
@pytest.mark.celery_reliable(max_executions=2)
@pytest.mark.celery_fault(kind="out_of_memory")
def test_the_kernel_kills_a_worker():
    safe.delay()


@box
def test_freeze(celery_perf, celery_faults):
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        with celery_faults.freeze(BOX):
            assert celery_faults.redeliver(BOX) == 1
        celery_faults.when("received", safe, nth=2)
    assert celery_perf.wait().succeeded == 1
    assert faults(celery_perf) == ["hold", "freeze-worker", "restored", "thaw-worker"]


@box
def test_kill_child(celery_perf, celery_faults):
    with celery_faults.hold(safe) as held:
        safe.delay()
        celery_faults.kill_child(held.wait())
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 2)


@box
def test_kill_worker(celery_perf, celery_faults):
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        celery_faults.kill_worker(BOX)
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 2)


@box
def test_terminate(celery_perf, celery_faults):
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        celery_faults.terminate(BOX)
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 1)
