"""The record file of a process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from pytest_celery_perf.probe import lines, wire
from pytest_celery_perf.probe.journal import Journal, clock_id


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    (tmp_path / "spool").mkdir()
    os.mkfifo(tmp_path / "doorbell")
    return Journal(str(tmp_path / "spool"), str(tmp_path / "doorbell"), "boot-1")


def records(tmp_path: Path) -> dict[str, list[wire.Record]]:
    return {
        path.name: [lines.decode(line) for line in path.read_bytes().splitlines()]
        for path in sorted((tmp_path / "spool").iterdir())
    }


def test_a_process_that_writes_nothing_has_no_file(journal: Journal, tmp_path: Path) -> None:
    journal.ring()

    assert records(tmp_path) == {}


def test_the_first_line_names_the_process(journal: Journal, tmp_path: Path) -> None:
    journal.write(wire.Published(1, "id", 0))

    ((process, published),) = records(tmp_path).values()
    assert isinstance(process, wire.Process)
    assert (wire.FORMAT, "boot-1", os.getpid(), clock_id()) == (
        process.format,
        process.boot,
        process.pid,
        process.clock,
    )
    assert wire.Published(1, "id", 0) == published


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux names its boots")
def test_a_kernel_without_time_namespaces_has_one_clock_for_each_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.readlink
    # Nothing can take them from a kernel that has them.
    monkeypatch.setattr(os, "readlink", lambda path: real(path.replace("/ns/time", "/ns/of-no-such-kind")))
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert boot in clock_id()
    assert "time:[" not in clock_id()


def test_a_forked_child_has_a_file_of_its_own(journal: Journal, tmp_path: Path) -> None:
    journal.write(wire.Published(1, "parent", 0))
    child = os.fork()
    if child == 0:
        try:
            journal.write(wire.Published(2, "child", 0))
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    journal.write(wire.Published(3, "parent", 0))

    written = {
        next(record.pid for record in file if isinstance(record, wire.Process)): [
            record.id for record in file if isinstance(record, wire.Published)
        ]
        for file in records(tmp_path).values()
    }
    assert {os.getpid(): ["parent", "parent"], child: ["child"]} == written


def test_a_statement_is_defined_once_and_before_its_number_is_used(journal: Journal, tmp_path: Path) -> None:
    first, again, other = journal.statement("SELECT 1"), journal.statement("SELECT 1"), journal.statement("SELECT 2")

    assert first == again != other
    ((_, *definitions),) = records(tmp_path).values()
    assert [wire.Statement(first, "SELECT 1"), wire.Statement(other, "SELECT 2")] == definitions


def test_a_ring_wakes_the_reader_and_a_full_doorbell_hurts_nobody(journal: Journal, tmp_path: Path) -> None:
    bell = os.open(tmp_path / "doorbell", os.O_RDONLY | os.O_NONBLOCK)
    journal.write(wire.Published(1, "id", 0))

    journal.ring()
    assert os.read(bell, 10) == b"\0"
    for _ in range(70_000):  # the pipe holds 65,536
        journal.ring()
    assert len(os.read(bell, 100_000)) == 65_536
    os.close(bell)


def test_after_twenty_problems_it_is_quiet(journal: Journal, tmp_path: Path) -> None:
    for number in range(30):
        journal.problem(f"problem {number}")

    ((_, *problems),) = records(tmp_path).values()
    assert len(problems) == 20
