"""Chooses how a worker is started, and says why."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_celery_perf import containers
from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.worker.base import Guard, Launch, Worker
from pytest_celery_perf.worker.cold import Interpreter
from pytest_celery_perf.worker.options import named_pool
from pytest_celery_perf.worker.process import ProcessRuntime
from pytest_celery_perf.worker.settings import read_early
from pytest_celery_perf.worker.warm import Zygote

_PATCHING_POOLS = ("gevent", "eventlet")


def with_start(topology: tuple[WorkerSpec, ...], start: str) -> tuple[WorkerSpec, ...]:
    """Apply the session's way of starting to the workers that leave it open."""
    return tuple(replace(spec, start=start) if spec.start == "auto" else spec for spec in topology)


def create(launch: Launch, guard: Guard, zygote: Zygote | None = None) -> Worker:
    """Choose how to start a worker; waits for the preloaded process if that is still importing.

    Args:
        launch: What to start; how it was started is filled in.
        guard: Whoever cleans up if this process is killed.
        zygote: The preloaded process, started; None for none.

    Returns:
        The worker, not started.

    Raises:
        WorkerError: A warm start was demanded but would not be sound.
    """
    if launch.spec.runtime == "container":
        if lack := containers.lack():
            raise WorkerError(f"worker {launch.node}: runtime='container' needs {lack}, or use runtime='process'")
        from pytest_celery_perf.worker.container import ContainerRuntime

        launch = _told(launch, "cold (in a container)")
        return Worker(launch, ContainerRuntime(launch, guard))
    objection = _objection(launch, zygote)
    if objection is None and zygote is not None:
        launch = _told(launch, "warm")
        return Worker(launch, ProcessRuntime(launch, guard, zygote))
    if launch.spec.start == "warm":
        raise WorkerError(f"worker {launch.node} cannot be started warm: {objection}. Use start='auto' or 'cold'")
    launch = _told(launch, f"cold ({objection})")
    return Worker(launch, ProcessRuntime(launch, guard, Interpreter()))


def _told(launch: Launch, how: str) -> Launch:
    return replace(launch, probe=replace(launch.probe, started=how))


def _objection(launch: Launch, zygote: Zygote | None) -> str | None:
    reason = always_cold(launch.spec) or _comes_late(launch.probe.config)
    if reason is not None:
        return reason
    return "nothing was preloaded" if zygote is None else zygote.objection(launch)


def always_cold(spec: WorkerSpec) -> str | None:
    """Tell why a worker is started cold whatever the app is like; None if it may be forked from a zygote."""
    if spec.runtime == "container":
        return "in a container"
    if spec.start == "cold":
        return "as asked"
    pool = named_pool(spec.options)
    if pool in _PATCHING_POOLS:
        return f"{pool} patches the standard library before the app is imported"
    return _comes_late(name for name, _ in spec.config)


def _comes_late(settings: Iterable[str]) -> str | None:
    early = [name for name in settings if read_early(name)]
    return f"{early[0]} is read while the app is imported" if early else None
