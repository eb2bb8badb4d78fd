"""The markers of uses: good code passes, bad code fails; test_markers.py has the words."""

from __future__ import annotations

import pytest
from agency.tasks import call, idle, look_up, refresh, report

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.celery_worker(pool="prefork", concurrency=1)]


@pytest.mark.celery_cache(hit_ratio="75%", max_misses=1, ttl_required=True)
def test_cached(celery_perf):
    celery_perf.run(look_up, [17], times=4, concurrency=1)


@pytest.mark.celery_cache(max_misses=0, warmup=1, alias="default")
def test_cached_after_the_first(celery_perf):
    celery_perf.run(look_up, [17], times=3, concurrency=1)


@pytest.mark.celery_cache(hit_ratio=0.6)
def test_never_written(celery_perf):
    celery_perf.run(look_up, [17, True], times=3)


@pytest.mark.celery_cache(hit_ratio=0.5, ttl_required=True)
def test_written_elsewhere(celery_perf):
    celery_perf.run(refresh, [17], times=2)


@pytest.mark.celery_cache(max_misses=0)
def test_misses():
    look_up.delay(17)


@pytest.mark.celery_cache(hit_ratio=0.5)
def test_no_cache():
    idle.delay()


@pytest.mark.celery_cache(alias="memory", hit_ratio=0.5)
def test_another_cache():
    look_up.delay(17)


@pytest.mark.celery_logs(max=4, levels={"error": 1}, repeated=3)
def test_few_lines():
    report.delay(40, 3)


@pytest.mark.celery_logs(max=3)
def test_many_lines():
    report.delay(40)


@pytest.mark.celery_logs(levels={"ERROR": 0})
def test_errors():
    report.delay(4, 3)


@pytest.mark.celery_logs(repeated=3)
def test_the_same_line(celery_perf):
    report.delay(2)
    report.delay(40)


@pytest.mark.celery_outbound(max=1, hosts=["localhost"])
def test_one_call(port):
    call.delay(port, 1)


@pytest.mark.celery_outbound(exact=0)
def test_no_call():
    look_up.delay(17)


@pytest.mark.celery_outbound(max=1)
def test_five_calls(port):
    call.delay(port, 5)


@pytest.mark.celery_outbound(max=0)
def test_a_call(port):
    call.delay(port, 1)


@pytest.mark.celery_outbound(exact=3)
def test_fewer_calls(port):
    call.delay(port, 2)


@pytest.mark.celery_outbound(hosts=["*.example.com", "127.0.0.1:1"])
def test_a_stranger(port):
    call.delay(port, 2, "127.0.0.1")


@pytest.mark.celery_logs(max=1)
@pytest.mark.celery_cache(max_misses=1)
def test_a_task_that_fails(celery_perf):
    celery_perf.fail(look_up, times=1)
    celery_perf.run(look_up, [17])
