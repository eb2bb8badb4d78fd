import legacy
import pytest


@pytest.mark.celery_worker(name="orders", options="-Q orders -c 1")
def test_old_names(celery_perf):
    result = legacy.order.delay(7)
    assert celery_perf.wait().succeeded == 1
    assert result.get(timeout=30) == 7


@pytest.mark.celery_worker(name="orders", options="-Q orders -c 1", config={"worker_prefetch_multiplier": 1})
def test_new_name_over_an_old_one(celery_perf):
    assert celery_perf.run(legacy.order, (7,)).succeeded == 1


@pytest.mark.celery_worker(name="bills", options="-Q bills -c 1")
def test_queue_that_nobody_consumes(celery_perf):
    celery_perf.run(legacy.order, (7,), timeout="0.2s")


def test_restored():
    assert legacy.app.conf.broker_url == "redis://127.0.0.1:1/0"
    assert legacy.app.conf.task_always_eager
