"""What the test process holds open: nothing, once a broker is done with."""

from __future__ import annotations

import gc

import redis
from celery import Celery

from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.runner.app import Connections


def test_a_result_that_is_collected_late_does_not_connect_again(users_server: Endpoint) -> None:
    url = users_server.url(1)
    app = Celery("late", broker=url, backend=url, set_as_current=False)
    result = app.send_task("late.task")

    Connections.of(app).close()
    del result
    gc.collect()

    with redis.Redis.from_url(users_server.url(1)) as observer:
        assert len(observer.client_list()) == 1
        observer.flushdb()
    app.close()
