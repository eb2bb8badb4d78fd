import bare
import pytest


@pytest.mark.celery_latency(max="60s")
def test_no_backend():
    bare.add.delay(1, 2)
    bare.forget.delay()


def test_no_backend_run(celery_perf):
    assert celery_perf.run(bare.add, (1, 2), times=5).succeeded == 5


def test_call(celery_perf):
    assert celery_perf.run(bare.in_context).succeeded == 1
    assert celery_perf.run(bare.Report.name, kwargs={"rows": [1, 2], "title": "sales"}).succeeded == 1


@pytest.mark.celery_worker(name="threads", options="-P threads -c 2")
def test_call_in_threads(celery_perf):
    assert celery_perf.run(bare.in_context, times=4).succeeded == 4


def test_expected_failure(celery_perf):
    celery_perf.run(bare.expected_to_fail)


@pytest.mark.celery_retries(attempts=3, countdowns=[60, 60], final="failed")
@pytest.mark.celery_latency(max="60s")
def test_retries():
    bare.flaky.delay()


def test_other_ends(celery_perf):
    celery_perf.run(bare.ignored)
    celery_perf.run(bare.rejected)


def test_leaves(celery_perf):
    celery_perf.run(bare.leaves)


@pytest.mark.celery_worker(name="told", options="-c 1")
@pytest.mark.celery_recovery(kill="worker", signal="SIGQUIT", at="started")
def test_stopped_in_mid_task():
    bare.long.delay()
