from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from pytest_celery_perf.worker.exits import ExitWatch

PATIENCE_S = 30.0


@pytest.mark.parametrize("kernel_helps", [True, False])
def test_the_end_of_a_process_wakes(monkeypatch: pytest.MonkeyPatch, kernel_helps: bool) -> None:
    if not kernel_helps:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    command = [sys.executable, "-S", "-c", "import sys; sys.stdin.read()"]
    with (
        subprocess.Popen(command, stdin=subprocess.PIPE) as process,
        closing(ExitWatch.of_process(process.pid, lambda: process.poll() is not None)) as watch,
    ):
        assert not watch.wait(0)
        assert process.stdin is not None
        process.stdin.close()
        assert watch.wait(PATIENCE_S)


def test_the_end_of_a_call_wakes() -> None:
    done = threading.Event()
    with closing(ExitWatch.of_call(done.wait)) as watch:
        assert not watch.wait(0)
        done.set()
        assert watch.wait(PATIENCE_S)
        watch.close()
