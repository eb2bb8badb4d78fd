"""Carries out faults in the test process: those of a script, and those at whose points tasks wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from signal import SIGQUIT, SIGTERM
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import CeleryPerfError
from pytest_celery_perf.faults.script import SCRIPTED, Step
from pytest_celery_perf.model.faults import FAULT_KINDS, Need
from pytest_celery_perf.probe.orders import AWAITED

if TYPE_CHECKING:
    from pytest_celery_perf.faults.broker import BrokerFaults
    from pytest_celery_perf.faults.lasting import Lasting, Ward
    from pytest_celery_perf.faults.processes import ProcessFaults
    from pytest_celery_perf.model.record import Execution, Fault
    from pytest_celery_perf.runner.pool import Member
    from pytest_celery_perf.runner.trial import Trial


class Stagehand:
    """Does by name what the methods of ``celery_faults`` do.

    Args:
        trial: The test's tasks and workers.
        ward: Undoes what lasts.
        processes: The faults of its workers.
        broker: The faults of its broker.
    """

    def __init__(self, trial: Trial, ward: Ward, processes: ProcessFaults, broker: BrokerFaults) -> None:
        self._trial = trial
        self._ward = ward
        self._processes = processes
        self._broker = broker

    def able(self) -> list[str]:
        """Return the kinds of faults that a script may have here."""
        own = self._trial.pool.broker.kind != "external"
        return [
            kind
            for kind in SCRIPTED
            if not self._trial.unmet(kind, None) and (own or FAULT_KINDS[kind].need is not Need.OWN_BROKER)
        ]

    def tend(self) -> None:
        """Undo what has lasted for as long as it should."""
        self._ward.tend()

    def answer(self, fault: Fault) -> None:
        """Carry out a fault for which a task waits, and let the task go on.

        Args:
            fault: What the task has recorded.
        """
        names = {each.name for each in self._trial.records().executions if each.task_id == fault.task_id}
        order = next(
            each
            for each in self._trial.orders
            if (each.do, each.at) == (fault.kind, fault.point) and (each.task is None or each.task in names)
        )
        lasting_s, keep_data = order.args
        for member in self._trial.pool.members:  # none, if the worker has died meanwhile
            if member.boot == fault.boot:
                kind = fault.kind.removeprefix(AWAITED)
                lasting = self._act(kind, member, keep_data=keep_data, point=fault.point, task_id=fault.task_id)
                if lasting is not None:
                    self._ward.limit(lasting, time.monotonic() + lasting_s)
        self._trial.release(order.key)

    def perform(self, step: Step, deadline_s: float) -> Step:
        """Carry out a step of a script, once its moment has come, and undo it.

        Args:
            step: The step.
            deadline_s: When the script is over, by the monotonic clock.

        Returns:
            The step, with the reason if it was skipped.
        """
        enough = len(self._started()) + step.starts
        self._until(lambda: len(self._started()) >= enough or not self._trial.book.open, deadline_s)
        self._until(lambda: bool(self._ready()), deadline_s)
        ready = self._ready()
        if time.monotonic() >= deadline_s:
            return replace(step, skipped="the time was over")
        if not ready:
            return replace(step, skipped="no worker was there")
        try:
            lasting = self._act(step.kind, ready[step.worker % len(ready)])
        except CeleryPerfError as error:
            return replace(step, skipped=str(error))
        if lasting is not None:
            self._until(lambda: False, min(deadline_s, time.monotonic() + step.lasting_s))
            lasting.heal()
        return step

    def _act(
        self, kind: str, member: Member, *, keep_data: bool = True, point: str = "", task_id: str | None = None
    ) -> Lasting | None:
        match kind:
            case "kill_child":
                self._processes.kill_child(member, self._running(member))
            case "kill_worker":
                self._processes.kill(member, restart=True)
            case "terminate":
                self._processes.stop(member, SIGTERM, restart=True)
            case "quit":
                self._processes.stop(member, SIGQUIT, restart=True)
            case "freeze":
                return self._processes.freeze(member, point=point, task_id=task_id)
            case "kill_broker":
                return self._broker.kill(keep_data=keep_data, point=point, task_id=task_id)
            case "pause_broker":
                return self._broker.pause(point=point, task_id=task_id)
            case "drop_connections":
                self._broker.drop_connections(point=point, task_id=task_id)
        return None

    def _running(self, member: Member) -> Execution:
        """Return what a worker has started last and not ended."""
        running = [each for each in self._started() if each.boot == member.boot and each.crashed and not each.outcome]
        if not running:
            raise CeleryPerfError(f"{member.spec.name} ran nothing")
        return max(running, key=lambda execution: execution.started_ns or 0)

    def _started(self) -> list[Execution]:
        return [execution for execution in self._trial.records().executions if execution.started]

    def _ready(self) -> list[Member]:
        return [
            member
            for member in self._trial.pool.members
            if member.worker.alive and member.boot in self._trial.workers and not self._trial.book.leaving(member.boot)
        ]

    def _until(self, met: Callable[[], bool], deadline_s: float) -> None:
        self._trial.until(lambda: True if met() else None, deadline_s - time.monotonic())
