"""How each drill is played: what is made ready before the tasks are published, and what happens while they run."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_celery_perf.drills.scene import Scene
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.probe.orders import FaultOrder

if TYPE_CHECKING:
    from pytest_celery_perf.runner.pool import Member

ARRIVES_S = 1.0
"""Within this, a message that is delivered again is received by a worker that has room for it. One whose only slot is
taken by the first delivery gets it later."""
BEGINS_S = 2.0
"""Within this, it is begun if a slot is free. A prefork worker of Celery before 5.7 waits until its child has run the
first delivery: there is nothing to see then."""
RECONNECTS_S = 5.0
"""Within this, a worker whose connection has broken consumes again."""
MOST_DELIVERIES = 3
"""How often a message is delivered again that would be so every hour for a week."""

Script = Callable[[Scene], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What a drill does."""

    before: Script
    """Before any task is published."""
    meanwhile: Script
    """When the test begins to wait for what it has published."""


def _hold(scene: Scene) -> None:
    scene.hold()


def _nothing(_: Scene) -> None:
    pass


def _restart_each_worker(scene: Scene) -> None:
    """Stop one worker after the other, each with the work that it has, and wait for its successor."""
    if scene.await_start():
        for member in [*scene.trial.pool.members]:
            _restart(scene, member)


def _restart(scene: Scene, member: Member) -> None:
    scene.until(lambda: scene.running(member.boot) or not scene.expected(member))
    scene.await_rest([member])
    restarts = _count(scene, "worker-restarted")
    scene.faults.terminate(member.spec.name, grace=None)
    scene.let_go()
    if not scene.until(lambda: not member.worker.alive, scene.budget.grace_s):
        scene.faults.kill_worker(member.spec.name)
    scene.until(lambda: _count(scene, "worker-restarted") > restarts)


def _kill_the_broker(scene: Scene) -> None:
    if scene.await_start():
        with scene.faults.broker.kill(keep_data=scene.budget.keep_data):
            scene.last(scene.budget.outage_s)
        scene.let_go()


def _part_the_network(scene: Scene) -> None:
    if scene.await_start():
        with scene.faults.network.black_hole():
            scene.last(scene.budget.outage_s)
            if scene.budget.reset:
                scene.faults.network.reset()
        if scene.budget.reset:
            _await_second_start(scene)
        scene.let_go()


def _take_too_much_memory(scene: Scene) -> None:
    """Have the kernel kill a process if something limits its memory; else do as the kernel does."""
    task = scene.budget.task
    if any(member.spec.memory_bytes for member in scene.trial.pool.members):
        scene.faults.out_of_memory(task, at=scene.budget.at)
    else:
        scene.trial.order(FaultOrder(key="drill", task=task, do="kill-child", at=scene.budget.at))


def _be_poison(scene: Scene) -> None:
    """Kill each process once more than it may be: what goes on after that has no bound."""
    times = scene.budget.max_executions + 1
    scene.trial.order(
        FaultOrder(key="drill", task=scene.budget.task, do="kill-child", at=scene.budget.at, times=times, each=True)
    )


def _outlast_the_visibility_timeout(scene: Scene) -> None:
    """Have a running task's message come again, unless its time limit ends it before Redis would do that."""
    if scene.await_start():
        records = scene.records
        limit_s = records.visibility_timeout_s or math.inf
        for execution in scene.running():
            task = records.tasks[execution.name]
            if task.acks_late and (task.time_limit_s is None or task.time_limit_s >= limit_s):
                _repeat(scene, execution, 1)
                _await_begin(scene, execution.task_id)
        scene.let_go()
        _await_all_deliveries(scene)


def _hold_until_an_eta(scene: Scene) -> None:
    """Have a scheduled message come again as often as Redis would deliver it before its ETA."""
    limit_s = scene.records.visibility_timeout_s or math.inf
    scheduled = {
        publication.task_id: publication.countdown_s
        for publication in scene.records.publications
        if publication.countdown_s is not None and publication.countdown_s >= limit_s
        if scene.budget.task in (None, publication.name)
    }
    for task_id, countdown_s in scheduled.items():
        if execution := _received(scene, task_id):
            _repeat(scene, execution, min(MOST_DELIVERIES, int(countdown_s // limit_s)))
    _await_all_deliveries(scene)


def _received(scene: Scene, task_id: str) -> Execution | None:
    """Wait until a worker has received a task, and return that; None if none will."""
    scene.until(lambda: _deliveries(scene, task_id) or task_id not in scene.trial.book.open)
    return next(iter(_deliveries(scene, task_id)), None)


def _await_second_start(scene: Scene) -> None:
    """Keep running until a worker that has lost its connection begins the same again, if it will."""
    options = scene.records.tasks
    late = [each for each in scene.running() if options[each.name].acks_late]

    def again() -> bool:
        return any(each.redelivered and each.started for each in scene.executions())

    if late:
        scene.until(again, RECONNECTS_S)


def _repeat(scene: Scene, execution: Execution, times: int) -> None:
    """Have a message delivered again, each time after a worker has received it."""
    for _ in range(times):
        before = _deliveries(scene, execution.task_id)
        scene.deliver_again(before[-1])
        if not _arrives(scene, execution.task_id, len(before)):
            return


def _arrives(scene: Scene, task_id: str, before: int) -> bool:
    return scene.until(lambda: len(_deliveries(scene, task_id)) > before, ARRIVES_S)


def _await_begin(scene: Scene, task_id: str) -> None:
    """Wait until the last delivery of a task has begun, if its worker has a slot for it."""

    def begun_or_stuck() -> bool:
        last = _deliveries(scene, task_id)[-1]
        slots = scene.trial.workers[last.boot].concurrency
        return last.started or (slots is not None and len(scene.running(last.boot)) >= slots)

    scene.until(begun_or_stuck, BEGINS_S)


def _await_all_deliveries(scene: Scene) -> None:
    """Wait for the ends of what was delivered again: a test is over when each task has ended, and then stops."""
    again = Counter(fault.task_id for fault in scene.trial.book.faults if fault.kind == "restored" and fault.task_id)
    scene.until(lambda: all(_ended(scene, task_id) > times for task_id, times in again.items()))


def _ended(scene: Scene, task_id: str) -> int:
    return sum(each.ended_ns is not None or each.acknowledged_ns is not None for each in _deliveries(scene, task_id))


def _deliveries(scene: Scene, task_id: str) -> list[Execution]:
    return [each for each in scene.executions() if each.task_id == task_id]


def _count(scene: Scene, kind: str) -> int:
    return sum(fault.kind == kind for fault in scene.trial.book.faults)


PLAYS: Mapping[str, Play] = MappingProxyType(
    {
        "deploy": Play(before=_hold, meanwhile=_restart_each_worker),
        "broker_restart": Play(before=_hold, meanwhile=_kill_the_broker),
        "network_partition": Play(before=_hold, meanwhile=_part_the_network),
        "worker_oom": Play(before=_take_too_much_memory, meanwhile=_nothing),
        "poison_pill": Play(before=_be_poison, meanwhile=_nothing),
        "long_task": Play(before=_hold, meanwhile=_outlast_the_visibility_timeout),
        "eta_beyond_visibility": Play(before=_nothing, meanwhile=_hold_until_an_eta),
    }
)
"""By the names of `model.drills.DRILLS`."""
