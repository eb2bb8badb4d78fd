"""Signals to workers by ``celery_recovery``, on every pool; what becomes of each is told in test_pools.py."""

import pytest
from office import safe

late = pytest.mark.parametrize(
    "_",
    [
        pytest.param(
            f"{pool}-{signal}",
            marks=[
                pytest.mark.celery_worker(pool=pool, **({} if pool == "solo" else {"concurrency": 2})),
                pytest.mark.celery_recovery(kill="worker", signal=signal, at="started", max_executions=2),
            ],
            id=f"{pool}-{signal}",
        )
        for pool in ("prefork", "threads", "solo", "gevent")
        for signal in ("SIGKILL", "SIGTERM", "SIGQUIT")
    ],
)


@late
def test_signal(_):
    safe.delay()
