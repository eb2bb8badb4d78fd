"""What it takes to read what workers have recorded: on a machine whose cores they share with it, that is theirs."""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import closing
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.collect.spool import Spool
from pytest_celery_perf.probe import lines, wire
from tests.benchmarks.measuring import alternate
from tests.benchmarks.rows import Row

TASKS = 4000
CHILDREN = 10
ROUNDS = 9
TEST, WORKER, CLOCK = "test", "worker", "clock"


def main() -> list[Row]:
    with TemporaryDirectory() as directory:
        scratch = Path(directory)
        os.mkfifo(scratch / "doorbell")
        _write(scratch / "spool")
        ours, reference = alternate(partial(_read, scratch), partial(_parse, scratch / "spool"), ROUNDS)
    return [
        Row(
            work="the records of a task, read and understood, CPU; reference: json.loads of each line",
            ours=ours,
            reference=reference,
            unit="µs",
            goal=3.0,
        )
    ]


def _write(spool: Path) -> None:
    """Write down what a test, a worker and its children record of tasks that run once."""
    files: dict[Path, list[wire.Record]] = {}
    for boot, pid in ((TEST, 1), *((WORKER, 2 + number) for number in range(CHILDREN + 1))):
        files[spool / boot / f"{pid}.jsonl"] = [wire.Process(wire.FORMAT, 1, boot, pid, CLOCK)]
    test, worker, *children = files.values()
    for number in range(TASKS):
        task, ns = str(uuid.uuid4()), 1_000_000 * (number + 1)
        key = task, 0, ns + 1
        test.append(wire.Publishing(ns, TEST, task, task, None, "warehouse.nothing", 0, "celery", None, None, None))
        test.append(wire.Published(ns, task, 0))
        name, tag = "warehouse.nothing", str(uuid.uuid4())
        worker.append(wire.Received(key[2], TEST, task, task, None, name, 0, tag, "celery", 0, redelivered=False))
        child = children[number % CHILDREN]
        child.append(wire.Started(ns + 2, *key, first=False))
        end = wire.Finished(ns + 5, *key, "succeeded", ns + 3, ns + 4, 1, None, None, [], 0, 0, 0, injected=False)
        child.append(end)
        worker.append(wire.Acknowledged(ns + 6, *key))
    for file, records in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"".join(map(lines.encode, records)))


def _read(scratch: Path) -> float:
    """Return the microseconds of CPU for a task."""
    with closing(Spool(scratch / "spool", scratch / "doorbell")) as spool:
        ledger = Ledger(CLOCK, TEST)
        book = ledger.open_book(TEST)
        began_ns = time.thread_time_ns()
        for spooled in spool.read():
            ledger.enter(spooled)
        if len(book.publishing) != TASKS or book.open or book.ending:
            raise AssertionError(f"of {len(book.publishing)} tasks, {len(book.open)} are open")
        return (time.thread_time_ns() - began_ns) / TASKS / 1e3


def _parse(spool: Path) -> float:
    began_ns = time.thread_time_ns()
    for file in spool.glob("*/*.jsonl"):
        for line in file.read_bytes().splitlines():
            json.loads(line)
    return (time.thread_time_ns() - began_ns) / TASKS / 1e3
