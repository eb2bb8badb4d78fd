"""20,000 tasks that do nothing: what recording every attempt costs the worker, and whether a record is lost."""

from __future__ import annotations

import statistics
import time
from contextlib import closing
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
ROUNDS = 5
BATCH = TASKS // ROUNDS
"""In turn with the reference: within a minute or two the machine's moods differ by more than what is measured."""
SPEC = WorkerSpec(name="busy", options=("-c", "2"), start="cold")


def main() -> list[Row]:
    probed: list[tuple[float, float]] = []
    bare: list[tuple[float, float]] = []
    lost = 0
    with TemporaryDirectory() as scratch, on_stage() as stage:
        for number in range(ROUNDS):
            if number % 2:
                bare.append(_bare(stage, Path(scratch)))
            figures, missing = _probed(stage)
            probed.append(figures)
            lost += missing
            if not number % 2:
                bare.append(_bare(stage, Path(scratch)))
        lost_by_a_kill = _killed(stage)
    (cpu_s, wall_s), (bare_cpu_s, bare_wall_s) = (
        map(statistics.median, zip(*figures, strict=True)) for figures in (probed, bare)
    )
    work = f"{TASKS:,} no-op tasks, all recorded"
    count = partial(Row, unit="tasks", goal=0, judged=Judged.OURS)
    return [
        Row(
            work=f"{work}: worker CPU per task; reference: bare Celery",
            ours=cpu_s / BATCH * 1e6,
            reference=bare_cpu_s / BATCH * 1e6,
            unit="µs",
            goal=1.02,
        ),
        Row(
            work=f"{work}: wall per task; reference: bare Celery",
            ours=wall_s / BATCH * 1e6,
            reference=bare_wall_s / BATCH * 1e6,
            unit="µs",
            goal=1.05,
        ),
        count(work=f"{work}: without a record of their end", ours=lost),
        count(work=f"{work}, worker killed by SIGKILL half-way: without a record of their end", ours=lost_by_a_kill),
    ]


def _bare(stage: Stage, scratch: Path) -> tuple[float, float]:
    """Run the tasks on a worker without a probe; return the seconds of CPU and of the wall's clock."""
    url = stage.broker.url(stage.broker.databases - 1)
    backlog = Backlog(stage.app, url, BATCH)
    options = command_options(SPEC, "bare@benchmark")
    with closing(BareWorker(["pytest_celery_perf.probe", "-A", APP, "worker", *options], url, scratch)) as worker:
        leader = worker.start()
        return _measure(leader, stage, backlog)


def _probed(stage: Stage) -> tuple[tuple[float, float], int]:
    """Run the tasks on a worker with a probe; return the same, and how many records are missing."""
    pool = stage.pool_for((SPEC,))
    backlog = Backlog(stage.app, str(pool.probe.broker_url), BATCH)
    figures = _measure(pool.members[0].worker.pid, stage, backlog)
    missing = len(backlog.ids - _finished(pool))
    stage.stop_workers()
    return figures, missing


def _killed(stage: Stage) -> int:
    """Kill the worker half-way, start another; return how many records are missing."""
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
    missing = len(backlog.ids - _finished(pool))
    stage.stop_workers()
    return missing


def _measure(leader: int, stage: Stage, backlog: Backlog) -> tuple[float, float]:
    cpu_s, began_s = session_cpu_s(leader), time.monotonic()
    backlog.release()
    backlog.wait(partial(_read, stage))
    return session_cpu_s(leader) - cpu_s, time.monotonic() - began_s


def _read(stage: Stage, left: int) -> None:
    """Take in the records, as a session does all the time."""
    stage.reader.pump()
    stage.reader.spool.wait(0.05, ends=left)


def _finished(pool: Pool) -> set[str]:
    """Return the ids of the tasks whose end is on record."""
    members = (*pool.retired, *pool.members)
    files = (path for member in members for path in Path(member.worker.launch.probe.spool).glob("*.jsonl"))
    records = (lines.decode(line) for path in files for line in path.read_bytes().split(b"\n")[:-1])
    return {record.id for record in records if isinstance(record, wire.Finished)}
