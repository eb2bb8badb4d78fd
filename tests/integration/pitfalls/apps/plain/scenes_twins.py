import frontend
import pytest


@pytest.mark.celery_latency(max="60s", task=frontend.resize)
@pytest.mark.celery_routing(queue="jobs", task="jobs.resize")
def test_task_of_the_frontend():
    frontend.resize.delay(100)


@pytest.mark.celery_latency(max="60s", task=frontend.resize)
def test_by_name(celery_perf):
    frontend.app.send_task("jobs.resize", (100,))
    assert celery_perf.wait().succeeded == 1


def test_fault(celery_perf):
    celery_perf.fail(frontend.resize, with_=TimeoutError)
    assert celery_perf.run(frontend.resize, (100,)).failed == 1


def test_restored():
    assert frontend.app.conf.broker_url == "redis://127.0.0.1:1/0"
    assert frontend.app.conf.task_always_eager
