"""What a process uses is read from outside, and nothing is made up."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_celery_perf.guard import Newcomers
from pytest_celery_perf.worker.cgroup import CgroupFiles, CgroupMeter
from pytest_celery_perf.worker.meters import Meter, ProcMeter, PsutilMeter, meter_of, open_all

MIB = 1 << 20
TWO_TICKS_S = 0.021
"""How much less of user and system time than there was the kernel may tell, each in whole ticks."""
ACTOR = """
import resource, sys, time
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""

linux = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
KINDS = [pytest.param(ProcMeter, marks=linux), PsutilMeter]


class Actor:
    """A process that does as it is told."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", ACTOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def do(self, statement: str) -> None:
        """Have it run a statement, and return when it has."""
        self._tell(statement)
        assert self._answer() == "done\n"

    def cpu_s(self) -> float:
        """Have it say what it has used by now, and its children that have ended."""
        self._tell("print(time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2]))")
        told_s = float(self._answer())
        assert self._answer() == "done\n"
        return told_s

    def _tell(self, statement: str) -> None:
        print(statement, file=self.process.stdin, flush=True)

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()

    def end(self) -> None:
        with self.process:
            self.process.kill()


@pytest.fixture
def actor() -> Iterator[Actor]:
    actor = Actor()
    actor.do("pass")
    yield actor
    actor.end()


def tells_cpu_of(meter: Meter, actor: Actor) -> bool:
    """Compare with its own clocks, before and after: that it used more than it was asked to proves nothing."""
    least_s, told_ns, most_s = actor.cpu_s(), meter.cpu_ns(), actor.cpu_s()
    return least_s - TWO_TICKS_S < (told_ns or 0) / 1e9 < most_s + TWO_TICKS_S


@pytest.mark.parametrize("kind", KINDS)
def test_memory_and_cpu_of_another_process(kind: type[ProcMeter | PsutilMeter], actor: Actor) -> None:
    meter = kind(actor.pid)
    before, uss_before = meter.rss_bytes(meter.tell()), meter.uss_bytes()
    actor.do(f"kept = b'x' * {50 * MIB}")
    actor.do("while time.process_time() < 0.3: pass")
    after, uss_after = meter.rss_bytes(meter.tell()), meter.uss_bytes()
    assert tells_cpu_of(meter, actor)
    meter.close()
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(50 * MIB, abs=3 * MIB)
    assert (uss_after or 0) - (uss_before or 0) == pytest.approx(50 * MIB, abs=3 * MIB)


@linux
def test_a_peak_that_nobody_looked_at(actor: Actor) -> None:
    actor.do(f"held = b'x' * {200 * MIB}; del held")
    meter = ProcMeter(actor.pid)
    base = meter.peak_bytes()
    actor.do(f"held = b'x' * {100 * MIB}; del held")
    peak = meter.peak_bytes()
    meter.close()
    assert base is not None
    assert peak is not None
    assert base < 100 * MIB, "what was before the meter does not count"
    assert peak - base == pytest.approx(100 * MIB, abs=3 * MIB)


@linux
def test_the_peak_of_a_young_process_is_left_to_itself(actor: Actor) -> None:
    actor.do(f"held = b'x' * {200 * MIB}; del held")
    meter = ProcMeter(actor.pid, young=True)
    peak = meter.peak_bytes()
    meter.close()
    assert peak is not None
    assert peak > 200 * MIB


@pytest.mark.parametrize("kind", KINDS)
def test_who_has_ended_uses_nothing_known(kind: type[ProcMeter | PsutilMeter], actor: Actor) -> None:
    meter: Meter = kind(actor.pid)
    actor.end()
    with pytest.raises(OSError, match=r".*"):
        meter.tell()
    assert (None, None, None) == (meter.rss_bytes(b""), meter.cpu_ns(), meter.uss_bytes())
    meter.close()
    with pytest.raises(OSError, match=r".*"):
        kind(actor.pid)
    assert meter_of(actor.pid) is None


def test_newcomers_are_told_once() -> None:
    newcomers = Newcomers()
    assert os.getpid() in {process.pid for process in newcomers.look()}
    actor = Actor()
    (own,) = (process for process in newcomers.look() if process.pid == actor.pid)
    assert own.parent == os.getpid()
    assert actor.pid not in {process.pid for process in newcomers.look()}
    actor.end()


def fake_group(folder: Path, lines: str, files: dict[str, str]) -> None:
    (folder / "proc/7").mkdir(parents=True)
    (folder / "proc/7/cgroup").write_text(lines)
    for name, text in files.items():
        path = folder / "group" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def find(folder: Path, container: str = "c0ffee") -> CgroupFiles | None:
    return CgroupFiles.of(7, container, proc=folder / "proc", root=folder / "group")


V1 = "9:memory:/docker/c0ffee\n4:cpu,cpuacct:/docker/c0ffee\n0::/\n"
V2 = "0::/system.slice/docker-c0ffee.scope\n"


def test_control_groups_of_version_1(tmp_path: Path) -> None:
    memory, cpu = "memory/docker/c0ffee/memory", "cpuacct/docker/c0ffee/cpuacct.usage"
    fake_group(
        tmp_path, V1, {f"{memory}.usage_in_bytes": "5000\n", f"{memory}.max_usage_in_bytes": "9000\n", cpu: "77\n"}
    )
    files = find(tmp_path)
    assert files is not None
    meter = CgroupMeter(7, files)
    files.peak.write_text("8000\n")
    assert (5000, 77, 8000) == (meter.rss_bytes(meter.tell()), meter.cpu_ns(), meter.peak_bytes())
    assert meter.uss_bytes() is None
    meter.close()


def test_control_groups_of_version_2(tmp_path: Path) -> None:
    group = "system.slice/docker-c0ffee.scope"
    usage = {"memory.current": "5000\n", "memory.peak": "9000\n", "cpu.stat": "usage_usec 12\nuser_usec 7\n"}
    fake_group(tmp_path, V2, {f"{group}/{name}": text for name, text in usage.items()})
    files = find(tmp_path)
    assert files is not None
    meter = CgroupMeter(7, files)
    assert (5000, 12_000) == (meter.rss_bytes(meter.tell()), meter.cpu_ns())
    meter.close()


def test_a_kernel_that_keeps_no_peak(tmp_path: Path) -> None:
    group = "system.slice/docker-c0ffee.scope"
    fake_group(tmp_path, V2, {f"{group}/memory.current": "5\n", f"{group}/cpu.stat": "usage_usec 1\n"})
    files = find(tmp_path)
    assert files is not None
    meter = CgroupMeter(7, files)
    assert meter.peak_bytes() is None
    meter.close()


def test_a_process_of_the_same_number_is_not_the_container(tmp_path: Path) -> None:
    fake_group(tmp_path, V2, {})
    assert find(tmp_path, "deadbeef") is None
    assert find(tmp_path) is None, "its files are not there"
    assert find(tmp_path / "nowhere") is None


@linux
def test_the_cpu_time_of_threads_and_of_children_that_have_ended(actor: Actor) -> None:
    meter = ProcMeter(actor.pid)
    actor.do("import subprocess, threading")
    actor.do("spin = lambda: [None for _ in iter(lambda: time.thread_time() < 0.2, False)]")
    actor.do("thread = threading.Thread(target=spin); thread.start(); thread.join()")
    assert tells_cpu_of(meter, actor)
    actor.do("subprocess.run([sys.executable, '-S', '-c', 'import time\\nwhile time.process_time() < 0.3: pass'])")
    assert tells_cpu_of(meter, actor)
    meter.close()


@linux
def test_no_file_stays_open_if_one_cannot_be_opened(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.touch()
    with pytest.raises(FileNotFoundError):
        open_all((there, tmp_path / "nowhere"))
    assert there not in {Path(link).resolve() for link in Path("/proc/self/fd").iterdir()}
