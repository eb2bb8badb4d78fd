"""Every drill on a pool that runs tasks in no child process; each test is expected by name in test_drills.py."""

from __future__ import annotations

import os

import pytest
from office import bounded, limited, safe

from pytest_celery_perf import CeleryPerf

drill = pytest.mark.celery_drill
pytestmark = pytest.mark.celery_worker(pool=os.environ["OFFICE_POOL"], concurrency=2)


@drill("deploy")
def test_good_deploy(celery_perf: CeleryPerf) -> None:
    celery_perf.run(safe, times=4)


@drill("broker_restart", outage="0.2s")
@drill("network_partition", outage="0.2s", overlap=True)
@drill("worker_oom")
def test_good() -> None:
    safe.delay()


@drill("long_task")
def test_good_since_limited() -> None:
    limited.delay()


@drill("eta_beyond_visibility")
def test_good_since_soon_due() -> None:
    limited.apply_async(countdown=600)


@drill("poison_pill")
def test_bad() -> None:
    bounded.delay()
