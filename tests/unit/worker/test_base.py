from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.worker.base import Launch, describe_exit, tail


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, "exited with status 0"),
        (2, "exited with status 2"),
        (-9, "was killed by SIGKILL"),
        (-99, "was killed by signal 99"),
    ],
)
def test_an_exit_is_said_in_words(status: int, expected: str) -> None:
    assert expected == describe_exit(status)


def test_a_tail_is_the_last_lines(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\ntwo  \nthr\xffee")
    assert tail(log, 2) == ("two", "thr�ee")


def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    assert tail(tmp_path / "log", 2) == ()


def test_the_probe_is_told_through_a_variable() -> None:
    probe = ProbeConfig(spool="/s", doorbell="/d", boot="b", clock="c")
    launch = Launch(
        spec=WorkerSpec(name="w"),
        node="w@h",
        app="a",
        probe=probe,
        environment=(("A", "1"),),
        cwd=Path("/"),
        log=Path("/l"),
    )
    variables = launch.variables
    assert variables.pop("CELERY_PERF_PROBE") == probe.dump()
    assert variables == {"A": "1"}
    assert json.loads(probe.dump())["boot"] == "b"
