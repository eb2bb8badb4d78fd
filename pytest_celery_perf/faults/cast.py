"""Who is who in a test: which worker is meant, and what it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_celery_perf.model.record import Execution
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
        if worker is not None and not isinstance(worker, str):
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

    def _running(self) -> list[Execution]:
        boots = {member.boot for member in self.living}
        executions = self._trial.records().executions
        return [each for each in executions if each.crashed and each.outcome is None and each.boot in boots]
