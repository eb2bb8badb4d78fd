from pathlib import Path

import fussy
import pytest
from celery.exceptions import QueueNotFound

ORDER = fussy.Order(number=1, invoice=Path("invoice.pdf"))


@pytest.mark.celery_latency(max="60s")
def test_boots_and_runs():
    fussy.charge.delay(ORDER)


def test_unknown_queue_is_the_error_of_the_app(celery_perf):
    with pytest.raises(QueueNotFound):
        fussy.charge.apply_async((ORDER,), queue="ad-hoc")
    assert celery_perf.wait().tasks == 0


@pytest.mark.celery_retries(attempts=2, countdowns=[60], final="succeeded")
def test_retry_is_signed():
    fussy.charge.delay(ORDER, retry=True)


@pytest.mark.celery_routing(queue="checkout", priority=4)
def test_priority():
    fussy.charge.apply_async((ORDER,), priority=4)


@pytest.mark.celery_worker(name="slow", options="-Q checkout-slow -c 1")
def test_depth(celery_perf):
    for priority in (0, 5, 9):
        fussy.charge.apply_async((ORDER,), priority=priority)
    celery_perf.wait("0.2s")


@pytest.mark.celery_recovery(kill="worker", at="started")
def test_recovery():
    fussy.charge.apply_async((ORDER,), priority=8)
