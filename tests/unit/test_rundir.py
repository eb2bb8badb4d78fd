from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_celery_perf.errors import CeleryPerfError
from pytest_celery_perf.rundir import RunDirectory

HOLD = """
import sys
from pathlib import Path
from pytest_celery_perf.rundir import RunDirectory
run = RunDirectory.create(Path(sys.argv[1]))
print(run.path, flush=True)
sys.stdin.read()
"""


def runs(parent: Path) -> list[str]:
    return sorted(entry.name for entry in parent.iterdir() if entry.is_dir())


def test_it_is_private_and_complete(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "runs")

    assert [stat.S_IMODE(p.stat().st_mode) for p in (run.path.parent, run.path, run.spool)] == [0o700] * 3
    assert stat.S_ISFIFO(run.doorbell.stat().st_mode)
    assert f"run-{run.run_id}" == run.path.name
    run.remove()


def test_it_is_gone_after_remove_and_its_parent_is_reused(tmp_path: Path) -> None:
    RunDirectory.create(tmp_path).remove()

    run = RunDirectory.create(tmp_path)

    assert [run.path.name] == runs(tmp_path)
    run.remove()
    assert runs(tmp_path) == []


def test_the_lock_is_not_inherited(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path)

    assert not os.get_inheritable(run.lock_fd)
    run.remove()


def test_a_killed_run_is_swept_by_the_next_and_a_living_one_is_not(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        left = Path(other.stdout.readline().strip())
        (left / "spool" / "records").write_text("evidence")

        mine = RunDirectory.create(tmp_path)
        assert sorted([left.name, mine.path.name]) == runs(tmp_path)

        other.send_signal(signal.SIGKILL)
        other.wait()
        next_ = RunDirectory.create(tmp_path)

    assert sorted([mine.path.name, next_.path.name]) == runs(tmp_path)
    mine.remove()
    next_.remove()


def test_nothing_is_swept_that_is_not_a_run_directory(tmp_path: Path) -> None:
    others = ["run-short", "data", "run-0123456789abcdef"]
    for name in others:
        (tmp_path / name).mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run-aaaaaaaaaaaa").symlink_to(tmp_path / "elsewhere")

    RunDirectory.create(tmp_path).remove()

    assert sorted([*others, "elsewhere", "run-aaaaaaaaaaaa"]) == runs(tmp_path)


def test_concurrent_runs_never_sweep_each_other(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: RunDirectory.create(tmp_path), range(40)))

    assert sorted(run.path.name for run in made) == runs(tmp_path)
    assert all(run.spool.is_dir() for run in made)
    for run in made:
        run.remove()


def test_a_parent_that_is_somebody_elses_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "runs").symlink_to(tmp_path / "target")

    with pytest.raises(CeleryPerfError, match=r"runs is not a directory of user \d+: remove it, or set TMPDIR"):
        RunDirectory.create(tmp_path / "runs")
