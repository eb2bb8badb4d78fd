"""What can be done to the broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.faults.lasting import Lasting, Ward

if TYPE_CHECKING:
    from pytest_celery_perf.faults.publishing import PublishDeadline
    from pytest_celery_perf.runner.trial import Trial


class BrokerFaults:
    """The faults of a test's broker, which no other test uses.

    Args:
        trial: The test's tasks and broker.
        ward: Undoes what lasts.
        deadline: Of the test's publishes.
    """

    def __init__(self, trial: Trial, ward: Ward, deadline: PublishDeadline) -> None:
        self._trial = trial
        self._ward = ward
        self._deadline = deadline
        self._killed: Lasting | None = None
        self._paused: Lasting | None = None

    def kill(self, *, keep_data: bool = True, point: str = "", task_id: str | None = None) -> Lasting:
        """SIGKILL the server.

        Args:
            keep_data: Whether it comes back with its data, as with ``appendonly yes``; else with none, as without.
            point: At which point of a task, if that has ordered it.
            task_id: Which task.

        Returns:
            What starts it again: by `heal`, or at the end of its ``with`` block.
        """
        self._refuse_while_down("kill")
        self._trial.rescue.outage.kill(keep_data=keep_data, point=point, task_id=task_id)
        self._killed = self._ward.admit(Lasting(self._trial.rescue.outage.restart))
        return self._killed

    def restart(self) -> None:
        """Start the server again; one that runs is killed first, with its data kept."""
        if self._killed is None or self._killed.over:
            self.kill()
        assert self._killed is not None  # noqa: S101 - just killed
        self._killed.heal()

    def pause(self, *, point: str = "", task_id: str | None = None) -> Lasting:
        """Stop the server, by SIGSTOP or as a container: its connections stay open, and nobody answers.

        Args:
            point: At which point of a task, if that has ordered it.
            task_id: Which task.

        Returns:
            What has it go on: by `heal`, or at the end of its ``with`` block.
        """
        self._refuse_while_down("pause")
        if self._paused is None or self._paused.over:
            self._trial.rescue.outage.pause(point=point, task_id=task_id)
            self._paused = self._ward.admit(Lasting(self._trial.rescue.outage.resume))
            self._deadline.guard(self._paused, "pause-broker")
        return self._paused

    def resume(self) -> None:
        """Have a paused server go on."""
        if self._paused is not None:
            self._paused.heal()

    def drop_connections(self, *, point: str = "", task_id: str | None = None) -> int:
        """Have the server close all connections to it at once (CLIENT KILL), those of this process included.

        Args:
            point: At which point of a task, if that has ordered it.
            task_id: Which task.

        Returns:
            How many there were.
        """
        self._refuse_while_down("drop_connections")
        return self._trial.rescue.outage.drop_connections(point=point, task_id=task_id)

    def _refuse_while_down(self, what: str) -> None:
        if self._killed is not None and not self._killed.over:
            raise ConfigurationError(f"celery_faults.broker.{what}: the broker is down; restart() it first")
