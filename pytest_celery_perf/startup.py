"""Starts what a pytest process needs: alone, as the controller of pytest-xdist, or as one of its workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.drills import DRILLS
from pytest_celery_perf.model.faults import FAULT_KINDS, Need
from pytest_celery_perf.model.orders import FaultBudget
from pytest_celery_perf.model.seat import ALONE, Seat
from pytest_celery_perf.model.settings import masked
from pytest_celery_perf.model.spec import (
    Budget,
    CrashSweepBudget,
    DrillBudget,
    RecoveryBudget,
    TestSpec,
    WorkerSpec,
)
from pytest_celery_perf.project import Project
from pytest_celery_perf.runner.app import load
from pytest_celery_perf.runner.groundwork import Groundwork
from pytest_celery_perf.stash import DEFAULT_WORKERS, OPTIONS, SEAT
from pytest_celery_perf.worker.choice import always_cold, with_start
from pytest_celery_perf.worker.needs import unmet
from pytest_celery_perf.worker.options import has_children, named_pool, parse_line, read
from pytest_celery_perf.worker.settings import unknown

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.options import Options
    from pytest_celery_perf.session import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the xdist controller runs for all its workers; it goes to them as text."""

    broker: str
    """Its endpoint, as `broker.shared.attach` takes it."""
    turns: str
    """The file by which the tests that judge times take turns."""
    notes: tuple[str, ...]
    """What the header says of the broker."""

    def dump(self) -> str:
        """Return it as text for an xdist worker; it holds the broker's password."""
        from pytest_celery_perf.model.codec import encode

        return json.dumps(encode(self))

    @classmethod
    def load(cls, text: str) -> Shared:
        """Read what `dump` wrote."""
        from pytest_celery_perf.model.codec import decode

        return decode(cls, json.loads(text))

    def seat(self, slot: int) -> Seat:
        """Return what one of those who share it is told."""
        return Seat(broker=self.broker, slot=slot, turns=self.turns)


SHARED_INPUT = "celery_perf"
"""The key under which an xdist worker is told what the controller runs for all."""


def start(config: pytest.Config, options: Options, specs: Iterable[TestSpec]) -> tuple[Session, Callable[[], None]]:
    """Start what the tests of this pytest process need.

    Args:
        config: pytest's configuration.
        options: The settings.
        specs: What the tests ask for.

    Returns:
        What the tests share, and what removes it again.

    Raises:
        CeleryPerfError: It cannot be started.
    """
    project = Project(config)
    with ExitStack() as stack:
        ground = Groundwork(config.getini("pythonpath"))
        stack.callback(ground.close)
        if any(always_cold(worker) is None for spec in specs for worker in with_start(spec.workers, options.start)):
            ground.preload(options.app)
        # Only now, as this takes a fair part of the time that the app's import takes in the other process.
        from pytest_celery_perf.broker.shared import attach
        from pytest_celery_perf.session import Session

        seat = _seat_of(config)
        broker = attach(seat.broker) if seat.broker else None
        session = Session(options, project, ground, seat=seat, broker=broker)
        stack.callback(session.close)
        return session, stack.pop_all().close


def _seat_of(config: pytest.Config) -> Seat:
    """Return what this process has for itself: as an arm of a comparison, as a worker of pytest-xdist, or alone."""
    worker = getattr(config, "workerinput", {})
    if SHARED_INPUT in worker:
        return Shared.load(worker[SHARED_INPUT]).seat(int(worker["workerid"].removeprefix("gw")))
    return config.stash.get(SEAT, ALONE)


def share(options: Options, ground: Groundwork | None = None) -> tuple[Shared, Callable[[], None]]:
    """Start what several pytest processes will share.

    Args:
        options: The settings.
        ground: What it stands on; None for one of its own.

    Returns:
        What to tell them, and what removes it again.
    """
    from pytest_celery_perf.broker.choose import choose

    with ExitStack() as stack:
        if ground is None:
            ground = Groundwork()
            stack.callback(ground.close)
        broker = choose(options.broker, image=options.image, rundir=ground.rundir, guard=ground.guard)
        broker.start()
        stack.callback(broker.stop)
        shared = Shared(
            broker=broker.endpoint.dump(),
            turns=str(ground.rundir.path / "turns"),
            notes=(broker.description, *broker.warnings),
        )
        return shared, stack.pop_all().close


def unfit(options: Options, spec: TestSpec) -> str:
    """Say what a test lacks here that it may have elsewhere: a broker that may be killed.

    Args:
        options: The settings.
        spec: What the markers of the test ask for.

    Returns:
        What is missing, and what would be right; empty if nothing is.
    """
    killers = [killer for budget in spec.budgets if (killer := _killer_of_brokers(budget))]
    if not killers or "://" not in options.broker:
        return ""
    setting = next(setting for setting in options.settings if setting.name == "broker")
    return (
        f"@pytest.mark.{killers[0]} needs a broker that is ours to kill, and "
        f"celery_perf_broker={masked(setting.value)} ({setting.source}) is yours: "
        "set it to process, container or auto"
    )


def _killer_of_brokers(budget: Budget) -> str:
    """Return what of a marker hurts the broker; nothing if it does not."""
    if isinstance(budget, DrillBudget) and DRILLS[budget.drill].own_broker:
        return f'celery_drill("{budget.drill}")'
    if isinstance(budget, FaultBudget) and FAULT_KINDS[budget.kind].need is Need.OWN_BROKER:
        return f'celery_fault: kind="{budget.kind}"'
    return 'celery_recovery: kill="broker"' if isinstance(budget, RecoveryBudget) and budget.kill == "broker" else ""


def check_faults(options: Options, spec: TestSpec) -> None:
    """Refuse a fault that the workers of a test cannot suffer.

    Args:
        options: The settings.
        spec: What the markers of the test ask for.

    Raises:
        ConfigurationError: They cannot; the text says what they lack.
    """
    for budget in spec.budgets:
        if isinstance(budget, FaultBudget):
            missing = unmet(budget.kind, budget.task, spec.workers, load(options.app))
            if missing:
                raise ConfigurationError(f'@pytest.mark.celery_fault: kind="{budget.kind}": {missing}')


def check_children(options: Options, spec: TestSpec) -> None:
    """Refuse a test that kills the child of workers that have none.

    Args:
        options: The settings.
        spec: What the markers of the test ask for.

    Raises:
        ConfigurationError: No pool of its workers has children, by their options and the app's ``worker_pool``.
    """
    markers = [
        "celery_recovery" if isinstance(budget, RecoveryBudget) else budget.marker
        for budget in (*spec.budgets, *spec.reruns)
        if isinstance(budget, (RecoveryBudget, CrashSweepBudget)) and budget.kill == "child"
    ]
    if not markers:
        return
    app = load(options.app)
    pools = {worker.name: read(worker.options, app=app).pool for worker in spec.workers}
    if any(map(has_children, pools.values())):
        return
    advice = 'write kill="worker"'
    if any(named_pool(worker.options) in (None, "prefork") for worker in spec.workers):
        advice += f', or pool="processes": to prefork Celery prefers the app\'s worker_pool={app.conf.worker_pool!r}'
    named = " and ".join(sorted({*pools.values()}))
    raise ConfigurationError(
        f'@pytest.mark.{markers[0]}: kill="child": the pool {named} runs tasks in no child process; {advice}'
    )


def check_settings(options: Options, spec: TestSpec) -> None:
    """Refuse a setting that nobody reads, as a worker would ignore it without a word.

    Args:
        options: The settings.
        spec: What the markers of the test ask for.

    Raises:
        ConfigurationError: Neither Celery nor the app has it.
    """
    settings = [setting for worker in spec.workers for setting in worker.config]
    app = load(options.app) if settings else None  # it imports all modules of the app once more
    for name, value in settings:
        if complaint := unknown(name, app):
            raise ConfigurationError(f"@pytest.mark.celery_worker: config[{name!r}]={json.loads(value)!r}: {complaint}")


def default_workers(config: pytest.Config) -> tuple[WorkerSpec, ...]:
    """Load the app, and read the topology of the ini file, the first time that a test needs them.

    Raises:
        ConfigurationError: The app cannot be loaded, or a line is wrong.
    """
    if DEFAULT_WORKERS not in config.stash:
        try:
            config.stash[DEFAULT_WORKERS] = _read_workers(config.stash[OPTIONS])
        except ConfigurationError as error:
            config.stash[DEFAULT_WORKERS] = error  # an app that cannot be imported need not be tried for every test
    found = config.stash[DEFAULT_WORKERS]
    if isinstance(found, ConfigurationError):
        raise found
    return found


def _read_workers(options: Options) -> tuple[WorkerSpec, ...]:
    app = load(options.app)
    specs = tuple(parse_line(line, app=app) for line in options.workers)
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"celery_perf_workers: several workers of one name: {', '.join(names)}")
    return specs
