"""A broker that goes away; each test is expected by name in test_diagnosis.py."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from office import add, stand

from pytest_celery_perf import CeleryPerf


@pytest.mark.celery_worker(name="narrow", concurrency=1, prefetch=1, pool="solo")
def test_does_not_answer(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    stand.delay(str(tmp_path / "gate"))
    opened = os.open(tmp_path / "gate", os.O_WRONLY)  # returns when the task has begun to read
    add.delay(1, 2)
    assert celery_perf.broker.pid is not None
    os.kill(celery_perf.broker.pid, signal.SIGKILL)
    celery_perf.wait(timeout=2)
    os.close(opened)


def test_the_next_one(celery_perf: CeleryPerf) -> None:
    celery_perf.run(add, (1, 2))
