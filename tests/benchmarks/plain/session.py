"""One test, one worker, one task; run by `bench_session`."""

from __future__ import annotations

from plain import ping

from pytest_celery_perf import CeleryPerf


def test_one_task(celery_perf: CeleryPerf) -> None:
    assert celery_perf.run(ping).succeeded == 1
