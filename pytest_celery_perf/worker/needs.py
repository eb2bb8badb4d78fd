"""Whether workers have what a fault needs of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pytest_celery_perf.model.faults import FAULT_KINDS, Need
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.worker.options import has_children, has_hard_limits, read

if TYPE_CHECKING:
    from celery import Celery

_SOFT = "worker_soft_shutdown_timeout"
_RECYCLING = "--max-memory-per-child"


def unmet(kind: str, task: str | None, workers: Sequence[WorkerSpec], app: Celery) -> str:
    """Say what is missing for a fault.

    Args:
        kind: One of `FAULT_KINDS`.
        task: Name of the task that is to suffer it; None for any.
        workers: Those of the test.
        app: Their app.

    Returns:
        What is missing, and what would be right; empty if nothing is.
    """
    known = FAULT_KINDS[kind]
    if missing := _missing_pool(known.need, workers, app):
        return missing
    if known.need is Need.RECYCLING and not _recycles(workers, app):
        return f'no worker has {_RECYCLING}: set it, such as @pytest.mark.celery_worker(options="{_RECYCLING}=200000")'
    if known.need is Need.MEMORY and not any(worker.memory_bytes for worker in workers):
        return (
            "no worker has a limit of its memory: give it one, such as "
            '@pytest.mark.celery_worker(runtime="container", image=…, memory="256MiB")'
        )
    if known.need is Need.NETWORK and not any(worker.network for worker in workers):
        return (
            "no worker reaches the broker by a network on which faults can be played: let the test use the fixture "
            "celery_network, or mark it with @pytest.mark.celery_worker(network=True)"
        )
    if known.need is Need.SOFT_SHUTDOWN and not _shuts_down_softly(workers, app):
        return (
            f"{_SOFT} is 0, which makes it a cold one: set it in the app, or by "
            f"@pytest.mark.celery_worker(config={{{_SOFT!r}: 3}})"
        )
    return _missing_limit(task, workers, app, soft=known.soft) if known.record == "time-limit" else ""


def _missing_pool(need: Need, workers: Sequence[WorkerSpec], app: Celery) -> str:
    pools = sorted({read(worker.options, app=app).pool for worker in workers})
    if need in (Need.CHILDREN, Need.RECYCLING) and not any(map(has_children, pools)):
        return f'the pool {" and ".join(pools)} runs tasks in no child process; use pool="prefork"'
    if need is Need.HARD_LIMITS and not any(map(has_hard_limits, pools)):
        return f'the pool {" and ".join(pools)} has no hard time limits; use pool="prefork" or pool="gevent"'
    return ""


def _recycles(workers: Sequence[WorkerSpec], app: Celery) -> bool:
    return bool(app.conf.worker_max_memory_per_child) or any(
        option.startswith(_RECYCLING) for worker in workers for option in worker.options
    )


def _shuts_down_softly(workers: Sequence[WorkerSpec], app: Celery) -> bool:
    set_here = [value for worker in workers for name, value in worker.config if name == _SOFT]
    return any(float(value) > 0 for value in set_here) if set_here else bool(app.conf.get(_SOFT))


def _missing_limit(task: str | None, workers: Sequence[WorkerSpec], app: Celery, *, soft: bool) -> str:
    """Say that nothing would end a task that hangs; of one that is not known yet, its worker finds out."""
    if task is None or task not in app.tasks:
        return ""
    name = "soft_time_limit" if soft else "time_limit"
    option = f"--{name.replace('_', '-')}"
    given = any(each.partition("=")[0] == option for worker in workers for each in worker.options)
    set_here = any(key == f"task_{name}" for worker in workers for key, _ in worker.config)
    if given or set_here or getattr(app.tasks[task], name) or app.conf.get(f"task_{name}"):
        return ""
    return f"{task} has no {name}, so that nothing ends it in production when it hangs: set {name}=, or task_{name}"
