"""Plays a script of faults while the tasks run that it is about."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pytest_celery_perf.errors import CeleryPerfError, ConfigurationError
from pytest_celery_perf.faults.lasting import Lasting, Ward
from pytest_celery_perf.faults.script import Step
from pytest_celery_perf.faults.stagehand import SCRIPT, Stagehand
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.probe.orders import FaultOrder

if TYPE_CHECKING:
    from pytest_celery_perf.runner.pool import Member
    from pytest_celery_perf.runner.trial import Trial

_numbers = itertools.count(1)
_BREAKING = ("kill_broker", "drop_connections", "cut", "half_open", "reset")
"""The kinds of faults at whose end a worker's connections to the broker are gone, and it makes others."""
_PATIENCE_S = 10.0
"""Longer than a worker takes to be back, or to end."""


class Script:
    """A script: it is about what is published in its ``with`` block, and is played at the end of that.

    Each fault strikes while a certain task waits at its start, never at a certain time: so the same seed gives the
    same history, as far as the order in which workers take up tasks is the same.

    Args:
        trial: The test's tasks.
        ward: Sees to it that no task waits for ever.
        stagehand: Carries the faults out.
        seed: Of which the steps were drawn.
        steps: What is to happen.
        seconds: After how many no further fault begins, from the end of the block on.
    """

    def __init__(
        self,
        trial: Trial,
        ward: Ward,
        stagehand: Stagehand,
        *,
        seed: int,
        steps: tuple[Step, ...],
        seconds: float,
    ) -> None:
        self.steps = steps
        """What is to happen; after the ``with`` block what did, with the reason of each that was skipped."""
        self._trial = trial
        self._stagehand = stagehand
        self._seed = seed
        self._seconds = seconds
        self._order = FaultOrder(
            key=f"script{next(_numbers)}", task=None, do=SCRIPT, at="started", nth=tuple(step.start for step in steps)
        )
        self._entered = False
        self._waiting = ward.admit(Lasting(self._close))

    def __enter__(self) -> Self:
        self._entered = True
        told = "; ".join(step.name for step in self.steps)
        self._trial.book.note("script", detail=f"seed={self._seed}: {told}")
        self._trial.order(self._order)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if error is None:
                deadline_s = time.monotonic() + self._seconds
                self.steps = tuple(self._perform(step, deadline_s) for step in self.steps)
        finally:
            self._waiting.heal()
        if error is None:
            self._demand_strike()

    def _demand_strike(self) -> None:
        """Refuse a script of which nothing has happened: a test must not pass because its faults never struck.

        That some steps are left is no mistake: how often tasks begin depends on what has struck before.
        """
        if all(step.skipped for step in self.steps):
            told = "; ".join(f"{step.name}: {step.skipped}" for step in self.steps)
            raise ConfigurationError(
                f"celery_faults.script: seed={self._seed}: none of its faults has struck ({told}): publish "
                f"{self.steps[0].start} tasks or more in its with block, or give it more seconds="
            )

    def _close(self) -> None:
        if not self._entered:
            raise ConfigurationError("celery_faults.script: it was not played: publish tasks in its with block")
        for step in self.steps:
            self._release(step)

    def _perform(self, step: Step, deadline_s: float) -> Step:
        """Carry out a step once a task waits for it, undo it, and let the task go on.

        Args:
            step: The step.
            deadline_s: When the script is over, by the monotonic clock.

        Returns:
            The step, with the reason if it was skipped.
        """
        try:
            return self._strike(step, deadline_s)
        except CeleryPerfError as error:
            return replace(step, skipped=str(error))
        finally:
            self._release(step)

    def _strike(self, step: Step, deadline_s: float) -> Step:
        self._until(lambda: self._who_waits(step) is not None or not self._trial.book.open, deadline_s)
        waiting = self._who_waits(step)
        if waiting is None:
            return replace(step, skipped="the time was over" if self._trial.book.open else "no task was left")
        member = self._holder(waiting)
        if member is None:
            return replace(step, skipped="its worker had ended, or was about to")
        listened = self._trial.rescue.outage.listeners()
        lasting = self._stagehand.act(step.kind, member, point=waiting.point, task_id=waiting.task_id)
        since_ns = time.monotonic_ns()  # not before: what it takes while that is done comes over the old connection
        if lasting is not None:
            self._until(lambda: False, min(deadline_s, time.monotonic() + step.lasting_s))
            since_ns = time.monotonic_ns()
            lasting.heal()
        # Else it would be chance whether the task ends before its worker has noticed.
        patience_s = min(deadline_s, time.monotonic() + _PATIENCE_S)
        if step.kind in _BREAKING:
            self._until(lambda: self._is_back(member, listened, since_ns), patience_s)
        if step.kind == "quit" and self._trial.workers[member.boot].pool != "threads":  # they finish what they run
            self._until(lambda: not member.worker.alive, patience_s)
        return step

    def _is_back(self, member: Member, listened: frozenset[str], since_ns: int) -> bool:
        """Tell whether a worker takes messages again.

        Args:
            member: The worker, or that in whose place another one is now.
            listened: Who waited for messages before.
            since_ns: A time before which it cannot have been back.
        """
        if self._trial.rescue.outage.listeners() - listened:
            return True
        node = member.worker.launch.node
        received = (each for each in self._trial.records().executions if each.worker == node)
        return any((each.received_ns or 0) > since_ns for each in received)

    def _who_waits(self, step: Step) -> Fault | None:
        """Return the word of the task that waits for a step."""
        point = self._order.numbered(step.start).at
        waiting = (fault for fault in self._trial.book.faults if (fault.kind, fault.point) == (SCRIPT, point))
        return next(waiting, None)

    def _holder(self, fault: Fault) -> Member | None:
        """Return the worker of a task that waits; None if it is dead, or was told to end."""
        for member in self._trial.pool.members:
            if member.boot == fault.boot and member.worker.alive and not self._trial.book.leaving(member.boot):
                return member
        return None

    def _release(self, step: Step) -> None:
        self._trial.release(self._order.numbered(step.start).key)

    def _until(self, met: Callable[[], bool], deadline_s: float) -> None:
        self._trial.until(lambda: True if met() else None, deadline_s - time.monotonic())
