"""The composition root: everything that one pytest process needs, put together and taken apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf.drills import Rehearsal
from pytest_celery_perf.faults import CeleryFaults
from pytest_celery_perf.faults.lasting import Lasting
from pytest_celery_perf.judge import judge_all
from pytest_celery_perf.judge.diagnosis import diagnose
from pytest_celery_perf.judge.undecided import settled
from pytest_celery_perf.measure.lives import lives
from pytest_celery_perf.measure.selection import published_since
from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.model.early import EarlyTasks
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.load import CapacityFigures, LoadFigures
from pytest_celery_perf.model.seat import ALONE, Seat
from pytest_celery_perf.model.settings import Override
from pytest_celery_perf.model.spec import ReliableBudget, TestSpec
from pytest_celery_perf.model.sweep import Sweep
from pytest_celery_perf.model.verdict import Verdict
from pytest_celery_perf.options import Options
from pytest_celery_perf.project import Commits, Project
from pytest_celery_perf.runner.mending import mend
from pytest_celery_perf.runner.orders import breaks_broker, orders_of
from pytest_celery_perf.runner.parting import see_off
from pytest_celery_perf.runner.pool import Pool
from pytest_celery_perf.runner.situation import situation_of
from pytest_celery_perf.runner.stage import Stage, StagePlan
from pytest_celery_perf.runner.trial import Progress, Trial
from pytest_celery_perf.runner.turn import turn
from pytest_celery_perf.runner.wishes import wishes_of
from pytest_celery_perf.worker.base import tail
from pytest_celery_perf.worker.choice import with_start

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.broker.base import Broker
    from pytest_celery_perf.runner.groundwork import Groundwork
    from pytest_celery_perf.worker.base import Worker

LOG_LINES = 30
SHOWN_OVERRIDES = ("task_always_eager", "broker_url", "result_backend", "broker_use_ssl")
"""Of what is replaced in the app, that which a user would wonder about."""
UNFINISHED_AFTER_FAILURE_S = 5.0
"""How long the tasks of a test that has failed already may take: only what a shared pool needs."""


@dataclass(slots=True)
class ActiveTest:
    """A test between its set-up and its verdicts."""

    nodeid: str
    spec: TestSpec
    pool: Pool
    trial: Trial
    faults: CeleryFaults
    """What it can have go wrong."""
    rehearsal: Rehearsal
    """Its drill."""
    commits: Commits
    """What became of what it does on commit."""
    early: tuple[EarlyTasks, ...] = ()
    """What its fixtures published before it began."""
    settled: bool = False
    """Whether its tasks were waited for after its body."""
    verdicts: tuple[Verdict, ...] = ()
    sweeps: tuple[Sweep, ...] = ()
    """What its other runs found, if there were any."""
    loads: list[LoadFigures] = field(default_factory=list)
    """What it laid on its workers."""
    capacities: list[CapacityFigures] = field(default_factory=list)
    """What it found out that they bear."""
    diagnosis: str = ""
    told: bool = False
    """Whether its body was told already that tasks did not finish, and why."""
    history: History = field(default_factory=History)
    log_sizes: dict[Path, int] = field(default_factory=dict)
    """How long the workers' logs were when the test began."""
    logs: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Of a failed test: the last lines that each worker printed meanwhile, by node name."""

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Its workers, those included that died and were replaced."""
        return tuple(member.worker for member in (*self.pool.retired, *self.pool.members))


class Session:
    """What the tests of one pytest process share.

    Args:
        options: The settings.
        project: The project under test.
        ground: What it stands on.
        seat: What this process has for itself, if it shares a broker with others.
        broker: That broker; None for one of our own.
    """

    def __init__(
        self,
        options: Options,
        project: Project,
        ground: Groundwork,
        *,
        seat: Seat = ALONE,
        broker: Broker | None = None,
    ) -> None:
        self.options = options
        self.project = project
        self.judges: list[Callable[[ActiveTest], tuple[Verdict, ...]]] = []
        """Those who judge a test by what it is compared with, rather than by what its markers demand."""
        self._turns = Path(seat.turns) if seat.turns else None
        with ExitStack() as stack:
            plan = StagePlan(
                app=options.app,
                broker=options.broker,
                image=options.image,
                logs=options.logs,
                slot=seat.slot,
                config=seat.config,
                cores=seat.cores,
            )
            self.stage = Stage(plan, ground, broker=broker)
            stack.callback(self.stage.close)
            project.set_databases_apart(seat.suffix)
            project.use_database_files(ground.rundir.databases)
            self.stage.project.caches = project.caches()
            self.overrides = tuple(
                Override(name=each.name, was=str(each.was))
                for each in self.stage.overrides()
                if each.was not in (None, "", False) and each.name in SHOWN_OVERRIDES
            )
            self._closing = stack.pop_all()

    @property
    def notes(self) -> list[str]:
        """What the header says of the broker."""
        return [self.stage.broker.description, *self.stage.broker.warnings]

    def databases_exist(self, items: Iterable[pytest.Item]) -> None:
        """Learn from the project what its test databases and caches are called.

        Args:
            items: The tests of this run.
        """
        self.stage.project.databases = self.project.database_names()
        self.stage.project.closed = self.project.closed_databases(items)
        self.stage.project.caches = self.project.caches()
        self.stage.project.file_caches = self.project.file_caches()

    @contextmanager
    def test(self, nodeid: str, spec: TestSpec, progress: Progress) -> Iterator[ActiveTest]:
        """Bring up what a test asks for, and track what it publishes.

        Args:
            nodeid: The test's name.
            spec: What it asks for.
            progress: Told how far its tasks are.

        Raises:
            BrokerError, WorkerError: Something could not be brought up.
        """
        with turn(self._turns, alone=any(budget.alone for budget in spec.budgets)):
            yield from self._test(nodeid, spec, progress)

    def _test(self, nodeid: str, spec: TestSpec, progress: Progress) -> Iterator[ActiveTest]:
        topology = with_start(spec.workers, self.options.start)
        alone = spec.isolated or breaks_broker(spec.budgets)
        pool = self.stage.isolated_pool(topology) if alone else self.stage.pool_for(topology)
        try:
            trial = Trial(
                pool,
                reader=self.stage.reader,
                app=self.stage.app,
                faults=(*orders_of(spec.budgets), *spec.faults),
                wishes=wishes_of(spec, time_scale=self.options.time_scale, measure=self.options.measure),
                progress=progress,
            )
            logs = [member.worker.launch.log for member in pool.members]
            sizes = {log: log.stat().st_size for log in logs}
            with trial.tracking(), self.project.commits() as commits:
                faults = CeleryFaults(trial, self.options.timeout_s)
                with Lasting(faults.heal):
                    yield ActiveTest(
                        nodeid=nodeid,
                        spec=spec,
                        pool=pool,
                        trial=trial,
                        faults=faults,
                        rehearsal=Rehearsal(spec.budgets, trial, faults, self.options.timeout_s),
                        commits=commits,
                        log_sizes=sizes,
                    )
                # If the test was interrupted, its workers go now, before its database is flushed under them.
                trial.pump()
                if spec.reruns and pool.hurt:
                    mend(trial)
                pool.hurt = pool.hurt or bool(trial.book.open)
        except BaseException:
            pool.hurt = True
            raise
        finally:
            self.stage.give_back(pool)

    def wait(self, active: ActiveTest, timeout_s: float) -> str:
        """Wait for all tasks of a test.

        Returns:
            Why some did not finish; empty if all did.
        """
        active.rehearsal.play()
        began_s = time.monotonic()
        if active.trial.wait(timeout_s):
            return ""
        active.pool.hurt = True
        return self._diagnose(active, time.monotonic() - began_s)

    def _diagnose(self, active: ActiveTest, waited_s: float) -> str:
        waiting, rolled_back = active.commits.waiting, active.commits.rolled_back
        return diagnose(situation_of(active.trial, waited_s, on_commit_callbacks=waiting, rolled_back=rolled_back))

    def timeout_s(self, active: ActiveTest) -> float:
        """Return how many seconds a test may wait for its tasks, unless its body says otherwise."""
        return min(self.options.timeout_s, active.spec.timeout_s or self.options.timeout_s)

    def settle(self, active: ActiveTest, *, failed: bool) -> None:
        """Wait for the tasks of a test whose body is over, if that was not done yet.

        Args:
            active: The test.
            failed: Whether the body has failed: then only the workers' sake is waited for.
        """
        if active.settled:
            return
        active.settled = True
        if not failed:
            active.rehearsal.play()
        active.faults.heal()
        if not (failed and active.told):
            timeout_s = self.timeout_s(active)
            active.diagnosis = self.wait(active, min(timeout_s, UNFINISHED_AFTER_FAILURE_S) if failed else timeout_s)

    def judge(self, active: ActiveTest, *, failed: bool) -> None:
        """Judge the tasks of a test, once they have ended.

        Args:
            active: The test; its verdicts are filled in.
            failed: Whether the body has failed.
        """
        self.settle(active, failed=failed)
        watchful = any(isinstance(budget, ReliableBudget) for budget in active.spec.budgets)
        see_off(active.trial)
        history = active.trial.end(watchful=watchful)
        active.history = replace(history, diagnosis=active.diagnosis)
        if active.spec.budgets and not history.publications and not active.diagnosis:
            active.diagnosis = self._diagnose(active, 0.0)
        else:
            verdicts = judge_all((*active.spec.budgets, *active.faults.ordered), active.history, Path.cwd())
            active.verdicts = settled(verdicts, self.options.inconclusive)
            active.verdicts += tuple(verdict for judge in self.judges for verdict in judge(active))
            if not lives(history) and not active.diagnosis and any(verdict.failed for verdict in active.verdicts):
                active.diagnosis = self._diagnose(active, 0.0)
        if failed or active.diagnosis or any(verdict.failed for verdict in active.verdicts):
            active.logs = tuple(_logs(active))

    def run_of(self, active: ActiveTest, since_ns: int | None = None) -> Run:
        """Return the figures of a test's tasks.

        Args:
            active: The test.
            since_ns: Only of tasks that the test itself published since then, and what followed from them.
        """
        history = active.trial.history()
        return Run.of(history if since_ns is None else published_since(history, since_ns))

    def stop_workers(self) -> None:
        """Stop all workers, so that the test databases can be dropped."""
        self.stage.stop_workers()

    def close(self) -> None:
        """Stop and remove everything."""
        self._closing.close()


def _logs(active: ActiveTest) -> Iterator[tuple[str, tuple[str, ...]]]:
    for worker in active.workers:
        log = worker.launch.log
        if lines := tail(log, LOG_LINES, active.log_sizes.get(log, 0)):
            yield worker.launch.node, lines
