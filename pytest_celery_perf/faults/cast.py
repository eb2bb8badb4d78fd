"""Who is who in a test: which worker is meant, and what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.record import Execution

if TYPE_CHECKING:
    from pytest_celery_perf.runner.pool import Member
    from pytest_celery_perf.runner.trial import Trial


class Cast:
    """The workers of a test.

    All methods take `what`, the fault that is meant for them, and raise `ConfigurationError` if nobody fits.

    Args:
        trial: The test's tasks and workers.
    """

    def __init__(self, trial: Trial) -> None:
        self._trial = trial

    @property
    def living(self) -> list[Member]:
        """The workers that live."""
        return [member for member in self._trial.pool.members if member.worker.alive]

    def choose(self, worker: str | Execution | None, what: str) -> Member:
        """Find the worker that is meant.

        Args:
            worker: Its name, or an execution that it holds; None for the only one, or the only one that runs a task.
            what: See the class.
        """
        if isinstance(worker, Execution):
            return self.holder(worker, what)
        names = ", ".join(member.spec.name for member in self.living) or "none: all are dead"
        found = [member for member in self.living if worker in (None, member.spec.name)]
        if worker is not None and not found:
            raise ConfigurationError(f"celery_faults.{what}: worker={worker!r} is not one of {names}")
        if len(found) > 1:
            busy = {each.boot for each in self._running()}
            found = [member for member in found if member.boot in busy]
        if len(found) != 1:
            raise ConfigurationError(f"celery_faults.{what}: which worker? worker= is one of {names}")
        return found[0]

    def holder(self, execution: Execution, what: str) -> Member:
        """Find the worker that holds an execution."""
        if not isinstance(execution, Execution):
            raise ConfigurationError(
                f"celery_faults.{what}: execution={execution!r} is none; give what when() or hold().wait() has returned"
            )
        for member in self.living:
            if member.boot == execution.boot:
                return member
        raise ConfigurationError(
            f"celery_faults.{what}: the worker {execution.worker} that held {execution.name} has ended already"
        )

    def running(self, what: str) -> Execution:
        """Find the execution that has started last and not ended."""
        if not (running := self._running()):
            raise ConfigurationError(
                f'celery_faults.{what}: no task runs now; wait for one by when("started"), or hold() it'
            )
        return max(running, key=lambda execution: execution.started_ns or 0)

    def why_empty(self, member: Member) -> str:
        """Say why a worker holds no message that the broker could deliver again, and what would change that."""
        name = member.spec.name
        if gone := [each.name for each in self._running() if each.boot == member.boot]:
            return (
                f"the worker {name} runs {gone[0]}, and has acknowledged its message already: no visibility timeout "
                "delivers it again; with acks_late=True it would be acknowledged at the end"
            )
        held = [each.spec.name for each in self.living if self._trial.book.held_by(each.boot)]
        if held:
            return (
                f"the worker {name} holds no message, {' and '.join(held)} does: pass the execution that when() or "
                "hold().wait() has returned, whose worker is then the one that is meant"
            )
        return f'the worker {name} holds no message; wait for one by when("received"), or hold() it'

    def _running(self) -> list[Execution]:
        boots = {member.boot for member in self.living}
        begun = [each for each in self._trial.records().executions if each.crashed and each.boot in boots]
        gone = self._trial.book.gone
        return [
            each
            for each in begun
            if each.outcome is None and each.requeued_ns is None and (each.boot, each.pid) not in gone
        ]


def why_nobody(trial: Trial, task: str | None) -> str:
    """Say that nobody can do what was waited for in vain, where every consumer of a queue is frozen or dead.

    Args:
        trial: The test's tasks and workers.
        task: Name of the task that was waited for; None for any.

    Returns:
        A sentence that goes on; empty if somebody could have.
    """
    frozen: dict[str | None, bool] = {}
    for fault in trial.book.faults:
        if fault.kind in ("freeze-worker", "thaw-worker"):
            frozen[fault.boot] = fault.kind == "freeze-worker"
    known = trial.workers
    for queue in dict.fromkeys(each.queue for each in trial.records().publications if task in (None, each.name)):
        # One that still boots has not told its queues: it may consume any.
        consumers = [each for each in trial.pool.members if each.boot not in known or queue in known[each.boot].queues]
        absent = [
            f"{each.spec.name} is {'frozen' if each.worker.alive else 'dead'}"
            for each in consumers
            if not each.worker.alive or frozen.get(each.boot)
        ]
        if absent and len(absent) == len(consumers):
            return (
                f"; nobody could: of those that consume the queue {queue!r}, {', '.join(absent)}; give the test one "
                "more worker for it by @pytest.mark.celery_worker(…), or let this one go on first"
            )
    return ""
