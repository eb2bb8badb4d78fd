"""20,000 tasks that do nothing: what recording every attempt costs the worker, and whether a record is lost."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from celery import Celery

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe import lines, wire
from pytest_celery_perf.runner.pool import Pool
from pytest_celery_perf.runner.stage import Stage
from pytest_celery_perf.worker.options import command_options
from tests.benchmarks.backlog import Backlog
from tests.benchmarks.measuring import session_cpu_s
from tests.benchmarks.rows import Judged, Row
from tests.benchmarks.workbench import APP, BareWorker, on_stage

TASKS = 20_000
BATCH = 500
"""In turn with the reference: within seconds the machine's moods differ by more than what is measured."""
SPEC = WorkerSpec(name="busy", options=("-c", "2"), start="cold")


def main() -> list[Row]:
    with TemporaryDirectory() as scratch, on_stage() as stage:
        ours, bare, unrecorded = _in_turn(stage, Path(scratch))
        survived = _killed(stage)
    work = f"{TASKS:,} no-op tasks, all recorded"
    count = partial(Row, unit="tasks", judged=Judged.OURS)
    return [
        Row(
            work=f"{work}: worker CPU per task; reference: bare Celery",
            ours=ours.cpu_s / TASKS * 1e6,
            reference=bare.cpu_s / TASKS * 1e6,
            unit="µs",
            goal=1.02,
        ),
        Row(
            work=f"{work}: wall per task; reference: bare Celery",
            ours=ours.wall_s / TASKS * 1e6,
            reference=bare.wall_s / TASKS * 1e6,
            unit="µs",
            goal=1.05,
        ),
        count(work=f"{work}: without a record of their end", ours=unrecorded, goal=0),
        count(
            work=f"{work}, worker killed by SIGKILL half-way: received, without a record of their end",
            ours=len(survived.received - survived.finished),
            goal=0,
        ),
        count(
            work=f"{work}, worker killed by SIGKILL half-way: taken from the queue and lost by kombu itself before "
            "anything could be recorded",
            ours=len(survived.published - survived.received),
            goal=1,
        ),
    ]


@dataclass(slots=True)
class Cost:
    """What tasks took all together."""

    cpu_s: float = 0.0
    wall_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the records tell of a backlog: ids of tasks."""

    published: frozenset[str]
    received: frozenset[str]
    finished: frozenset[str]


def _in_turn(stage: Stage, scratch: Path) -> tuple[Cost, Cost, int]:
    """Run the tasks on a worker with a probe and on one without, both up, in batches that take turns.

    Returns:
        What ours cost, what the other cost, and how many records are missing.
    """
    pool = stage.pool_for((SPEC,))
    ours, bare = Cost(), Cost()
    published: set[str] = set()
    url = stage.broker.url(stage.broker.databases - 1)
    options = command_options(SPEC, "bare@benchmark")
    with closing(BareWorker(["pytest_celery_perf.probe", "-A", APP, "worker", *options], url, scratch)) as worker:
        sides = ((ours, pool.members[0].worker.pid, str(pool.probe.broker_url)), (bare, worker.start(), url))
        for number in range(TASKS // BATCH):
            for cost, leader, broker_url in sides if number % 2 else reversed(sides):
                backlog = Backlog(stage.app, broker_url, BATCH)
                _measure(leader, stage, backlog, cost)
                published |= backlog.ids if cost is ours else set()
    missing = len(published - _told(pool, published).finished)
    stage.stop_workers()
    return ours, bare, missing


def _killed(stage: Stage) -> Told:
    """Kill the worker half-way, start another; return what the records tell then."""
    pool = stage.pool_for((SPEC,))
    backlog = Backlog(stage.app, str(pool.probe.broker_url), TASKS)
    backlog.release()
    backlog.wait(partial(_read, stage), left=TASKS // 2)
    victim = pool.members[0]
    victim.worker.kill()
    broken = Celery(broker=pool.probe.broker_url)
    # What the visibility timeout would do an hour later.
    inspect.restore(broken, [message.tag for message in inspect.unacked_ids(broken)])
    pool.wait_ready([pool.replace(victim)])
    backlog.wait(partial(_read, stage))
    told = _told(pool, backlog.ids)
    stage.stop_workers()
    return told


def _measure(leader: int, stage: Stage, backlog: Backlog, cost: Cost) -> None:
    cpu_s, began_s = session_cpu_s(leader), time.monotonic()
    backlog.release()
    backlog.wait(partial(_read, stage))
    cost.wall_s += time.monotonic() - began_s
    cost.cpu_s += session_cpu_s(leader) - cpu_s


def _read(stage: Stage, left: int) -> None:
    """Take in the records, as a session does all the time, for at most half the time that the rest takes."""
    stage.reader.pump()
    stage.reader.spool.wait(min(0.05, max(0.002, left * 0.0005)), ends=left)


def _told(pool: Pool, published: Iterable[str]) -> Told:
    members = (*pool.retired, *pool.members)
    files = (path for member in members for path in Path(member.worker.launch.probe.spool).glob("*.jsonl"))
    records = [lines.decode(line) for path in files for line in path.read_bytes().split(b"\n")[:-1]]
    return Told(
        published=frozenset(published),
        received=frozenset(record.id for record in records if isinstance(record, wire.Received)),
        finished=frozenset(record.id for record in records if isinstance(record, wire.Finished)),
    )
