"""What can be done to the processes of workers."""

from __future__ import annotations

from signal import SIGKILL, Signals
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.faults.lasting import Lasting, Ward
from pytest_celery_perf.model.faults import SUPERVISOR_GRACE_S

if TYPE_CHECKING:
    from pytest_celery_perf.model.record import Execution
    from pytest_celery_perf.runner.pool import Member
    from pytest_celery_perf.runner.trial import Trial


class ProcessFaults:
    """The faults of a test's workers.

    Args:
        trial: The test's tasks and workers.
        ward: Undoes what lasts.
    """

    def __init__(self, trial: Trial, ward: Ward) -> None:
        self._trial = trial
        self._ward = ward
        self._frozen: dict[str, Lasting] = {}
        """By boot of the worker."""

    def kill_child(self, member: Member, victim: Execution) -> None:
        """SIGKILL the process that runs an execution.

        Raises:
            ConfigurationError: It is no child process, or there is none yet.
        """
        if victim.pid is None:
            raise ConfigurationError(f"celery_faults.kill_child: no process has begun to run {victim.name} yet")
        if victim.pid == self._trial.workers[member.boot].pid:
            raise ConfigurationError(
                f"celery_faults.kill_child: the pool {victim.pool} runs tasks in no child process; use kill_worker()"
            )
        self._trial.book.note("kill-child", task_id=victim.task_id, pid=victim.pid, boot=member.boot)
        self._trial.book.strike([victim.task_id])
        member.worker.send_signal(victim.pid, SIGKILL)

    def kill(self, member: Member, *, restart: bool) -> None:
        """SIGKILL a worker with all its processes."""
        self._expect_end(member, "kill-worker", "SIGKILL", restart=restart)
        member.worker.kill()

    def stop(self, member: Member, signal: Signals, *, restart: bool, grace_s: float = SUPERVISOR_GRACE_S) -> None:
        """Send a worker one of the signals upon which it ends by itself; if it does not in time, it is killed."""
        self._trial.rescue.expect_end(member.boot, grace_s)
        self._expect_end(member, "stop-worker", signal.name, restart=restart)
        member.worker.kill(signal)

    def freeze(self, member: Member, point: str = "", task_id: str | None = None) -> Lasting:
        """Stop a worker with all its processes.

        Args:
            member: The worker.
            point: At which point of a task, if that has ordered it.
            task_id: Which task.
        """
        if member.boot in self._frozen and not self._frozen[member.boot].over:
            return self._frozen[member.boot]
        self._note("freeze-worker", member, point=point, task_id=task_id)
        member.worker.freeze()
        self._frozen[member.boot] = self._ward.admit(Lasting(lambda: self._thaw(member)))
        return self._frozen[member.boot]

    def thaw(self, member: Member) -> None:
        """Have a frozen worker go on."""
        if member.boot in self._frozen:
            self._frozen[member.boot].heal()

    def _thaw(self, member: Member) -> None:
        if member.worker.alive:
            member.worker.thaw()
            self._note("thaw-worker", member)

    def _expect_end(self, member: Member, kind: str, signal: str, *, restart: bool) -> None:
        """Note a fault of which a worker ends, before it does."""
        if not restart:
            self._ward.admit(self._trial.rescue.leave(member.boot))
        self._note(kind, member, detail=signal)
        self._trial.book.strike(draft.key[0] for draft in self._trial.book.held_by(member.boot))

    def _note(self, kind: str, member: Member, point: str = "", task_id: str | None = None, detail: str = "") -> None:
        self._trial.book.note(
            kind, pid=member.worker.pid, boot=member.boot, point=point, task_id=task_id, detail=detail
        )
