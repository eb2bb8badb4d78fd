"""What a worker does to its own process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pytest_celery_perf.probe.processes import run_on

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the platform chooses the cores")


def test_children_run_there_too() -> None:
    core = max(os.sched_getaffinity(0))
    program = (
        "import os, subprocess, sys\n"
        "from pytest_celery_perf.probe.processes import run_on\n"
        f"assert run_on([{core}]) == ''\n"
        "subprocess.run([sys.executable, '-c', 'import os; print(os.sched_getaffinity(0))'], check=True)\n"
    )
    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert output.strip() == f"{{{core}}}"


def test_cores_that_are_not_there() -> None:
    before = os.sched_getaffinity(0)
    assert run_on([4095]).startswith("cannot run on the cores 4095 alone: ")
    assert os.sched_getaffinity(0) == before


def test_anywhere() -> None:
    before = os.sched_getaffinity(0)
    assert run_on([]) == ""
    assert os.sched_getaffinity(0) == before
