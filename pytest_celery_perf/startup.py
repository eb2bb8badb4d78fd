"""Starts what a pytest process needs: alone, as the controller of pytest-xdist, or as one of its workers."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf.broker.choose import choose
from pytest_celery_perf.broker.shared import attach
from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.model.codec import decode, encode
from pytest_celery_perf.model.settings import masked
from pytest_celery_perf.model.spec import RecoveryBudget, TestSpec, WorkerSpec
from pytest_celery_perf.options import Options
from pytest_celery_perf.project import Project
from pytest_celery_perf.rundir import RunDirectory
from pytest_celery_perf.runner.app import load
from pytest_celery_perf.session import Session
from pytest_celery_perf.worker.options import has_children, named_pool, parse_line, read

if TYPE_CHECKING:
    import pytest


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
        return json.dumps(encode(self))

    @classmethod
    def load(cls, text: str) -> Shared:
        """Read what `dump` wrote."""
        return decode(cls, json.loads(text))


def start(config: pytest.Config, options: Options, shared: str | None) -> Session:
    """Start what the tests of this pytest process need.

    Args:
        config: pytest's configuration.
        options: The settings.
        shared: What `Shared.dump` returned to the xdist controller; None without one.

    Raises:
        CeleryPerfError: It cannot be started.
    """
    if shared is None:
        return Session(options, Project(config))
    given = Shared.load(shared)
    slot = int(config.workerinput["workerid"].removeprefix("gw"))  # type: ignore[attr-defined]
    return Session(options, Project(config), slot=slot, broker=attach(given.broker), turns=Path(given.turns))


def share(options: Options) -> tuple[Shared, Callable[[], None]]:
    """Start what the xdist workers will share.

    Returns:
        What to tell them, and what removes it again.
    """
    with ExitStack() as stack:
        rundir = RunDirectory.create()
        stack.callback(rundir.remove)
        guard = Guard()
        guard.start()
        stack.callback(guard.close)
        guard.directory(rundir.path)
        broker = choose(options.broker, image=options.image, rundir=rundir, guard=guard)
        broker.start()
        stack.callback(broker.stop)
        shared = Shared(
            broker=broker.endpoint.dump(),
            turns=str(rundir.path / "turns"),
            notes=(broker.description, *broker.warnings),
        )
        return shared, stack.pop_all().close


def check_broker(options: Options, spec: TestSpec) -> None:
    """Refuse a test that kills a broker which is the user's.

    Args:
        options: The settings.
        spec: What the markers of the test ask for.

    Raises:
        ConfigurationError: It does, and it is.
    """
    kills = any(isinstance(budget, RecoveryBudget) and budget.kill == "broker" for budget in spec.budgets)
    if kills and "://" in options.broker:
        setting = next(setting for setting in options.settings if setting.name == "broker")
        raise ConfigurationError(
            '@pytest.mark.celery_recovery: kill="broker" needs a broker that is ours to kill, and '
            f"celery_perf_broker={masked(setting.value)} ({setting.source}) is yours: "
            "set it to process, container or auto"
        )


def check_children(options: Options, spec: TestSpec) -> None:
    """Refuse a test that kills the child of workers that have none.

    Args:
        options: The settings.
        spec: What the markers of the test ask for.

    Raises:
        ConfigurationError: No pool of its workers has children, by their options and the app's ``worker_pool``.
    """
    if not any(isinstance(budget, RecoveryBudget) and budget.kill == "child" for budget in spec.budgets):
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
        f'@pytest.mark.celery_recovery: kill="child": the pool {named} runs tasks in no child process; {advice}'
    )


def default_workers(options: Options) -> tuple[WorkerSpec, ...]:
    """Load the app, and read the topology of the ini file.

    Raises:
        ConfigurationError: The app cannot be loaded, or a line is wrong.
    """
    app = load(options.app)
    specs = tuple(parse_line(line, app=app) for line in options.workers)
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise ConfigurationError(f"celery_perf_workers: several workers of one name: {', '.join(names)}")
    return specs
