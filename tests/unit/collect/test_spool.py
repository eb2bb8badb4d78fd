"""Following record files."""

from __future__ import annotations

import gc
import itertools
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from pytest_celery_perf.collect.spool import Spool
from pytest_celery_perf.errors import SpoolError
from pytest_celery_perf.probe import lines, wire

ONE, TWO = wire.Published(1, "a", 0), wire.Published(2, "b", 0)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    (tmp_path / "spool" / "boot").mkdir(parents=True)
    os.mkfifo(tmp_path / "doorbell")
    spool = Spool(tmp_path / "spool", tmp_path / "doorbell")
    yield spool
    spool.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "boot" / "1.jsonl"


def append(file: Path, data: bytes) -> None:
    with file.open("ab") as opened:
        opened.write(data)


def records(spool: Spool) -> list[wire.Record]:
    return [spooled.record for spooled in spool.read()]


def test_each_record_is_read_once(spool: Spool, file: Path) -> None:
    append(file, lines.encode(ONE))
    assert records(spool) == [ONE]
    append(file, lines.encode(TWO))
    assert records(spool) == [TWO]
    assert records(spool) == []


def test_a_line_that_is_still_being_written_is_waited_for(spool: Spool, file: Path) -> None:
    line = lines.encode(ONE)
    append(file, line[:7])
    assert records(spool) == []
    append(file, line[7:] + lines.encode(TWO))
    assert records(spool) == [ONE, TWO]


def test_an_interrupt_at_any_line_leaves_nothing_open_and_no_line_half_read(spool: Spool, file: Path) -> None:
    torn = lines.encode(TWO)
    append(file, lines.encode(ONE) + lines.encode(TWO) + torn[:7])
    interrupts = 0
    while _interrupted(spool, interrupts + 1):
        interrupts += 1
        gc.collect()  # a ResourceWarning fails the test

    append(file, torn[7:])
    assert interrupts > 20
    assert records(spool) == [TWO]


def _interrupted(spool: Spool, after: int) -> bool:
    """Read with an interrupt after so many lines; return whether there were as many."""
    ticks = itertools.count(1)

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        if next(ticks) == after:
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        for _ in spool.read():
            pass
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def test_a_reading_that_was_broken_off_goes_on_where_it_was(spool: Spool, file: Path) -> None:
    append(file, lines.encode(ONE) + lines.encode(TWO) + lines.encode(ONE)[:-3])
    for _ in spool.read():
        break

    append(file, lines.encode(ONE)[-3:])
    assert records(spool) == [TWO, ONE]


def test_a_torn_last_line_is_no_error(spool: Spool, file: Path) -> None:
    append(file, lines.encode(ONE) + lines.encode(TWO)[:-3])

    assert records(spool) == [ONE]
    assert records(spool) == []


def test_anything_else_is_an_error_with_file_and_offset(spool: Spool, file: Path) -> None:
    append(file, lines.encode(ONE) + b"\x00garbage\n")

    with pytest.raises(SpoolError) as failure:
        records(spool)
    assert (file, len(lines.encode(ONE))) == (failure.value.path, failure.value.offset)
    assert f"{file}, byte {len(lines.encode(ONE))}: not a record" in str(failure.value)


def test_a_forgotten_worker_is_not_read(spool: Spool, file: Path) -> None:
    append(file, lines.encode(ONE))
    spool.forget("boot")

    assert records(spool) == []


def test_a_ring_ends_the_waiting(spool: Spool, tmp_path: Path) -> None:
    bell = os.open(tmp_path / "doorbell", os.O_RDWR)
    rung = threading.Event()

    def wait() -> None:
        # Without a ring each of these would take its whole time.
        for _ in range(3):
            spool.wait(30)
        rung.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    while not rung.wait(0.001):
        os.write(bell, b"\0")
    waiter.join()
    os.close(bell)


def test_another_descriptor_ends_the_waiting_too(spool: Spool) -> None:
    reading, writing = os.pipe()
    os.close(writing)

    spool.wait(30, reading)

    os.close(reading)
