"""One test, one worker, one task; run by `bench_session`."""

from __future__ import annotations

from pytest_celery import RESULT_TIMEOUT, CeleryTestSetup, ping


def test_one_task(celery_setup: CeleryTestSetup) -> None:
    assert celery_setup.ready()
    assert ping.s().apply_async().get(timeout=RESULT_TIMEOUT) == "pong"
