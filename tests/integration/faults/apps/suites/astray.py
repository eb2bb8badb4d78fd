"""Messages that are taken from their queue, and come to no worker, since a connection broke on the way."""

import json
import time

import pytest
from office import safe
from redis import Redis

from pytest_celery_perf import UnfinishedTasksError

pytestmark = pytest.mark.celery_worker(concurrency=1, prefetch=1)


def lead_astray(celery_perf, celery_faults):
    """Have a message come back whose task ends meanwhile, and be taken by nobody."""
    celery_faults.broker.drop_connections()
    with Redis.from_url(celery_perf.broker.url()) as redis:
        with celery_faults.hold(safe) as held:
            safe.delay()
            held.wait()
            assert celery_faults.redeliver() == 1
            text = redis.rpop("celery")  # the worker has all that it may hold at a time
        celery_faults.when("acknowledged", safe)
        message = json.loads(text)
        tag = message["properties"]["delivery_tag"]
        redis.hset("unacked", tag, json.dumps([message, "", "celery"]))
        # Of now: what is overdue a worker would put back itself, ten seconds after it last looked.
        redis.zadd("unacked_index", {tag: time.time()})


def test_delivered_again_after_the_end_of_the_first(celery_perf, celery_faults):
    lead_astray(celery_perf, celery_faults)
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 2)
    assert not celery_perf.history.stuck_unacked


def test_not_while_a_frozen_worker_may_have_it(celery_perf, celery_faults):
    lead_astray(celery_perf, celery_faults)
    with (
        celery_faults.freeze(),
        pytest.raises(UnfinishedTasksError, match="1 task is held unacknowledged by a worker that is not there"),
    ):
        celery_perf.wait(timeout=2)
    assert celery_perf.wait().executions == 2
