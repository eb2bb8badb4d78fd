"""What can be done to the processes of workers."""

from __future__ import annotations

from signal import SIGKILL, Signals
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.faults.lasting import Lasting, Ward

if TYPE_CHECKING:
    from pytest_celery_perf.model.record import Execution
    from pytest_celery_perf.runner.pool import Member
    from pytest_celery_perf.runner.trial import Trial

_SOFT = "worker_soft_shutdown_timeout"


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
        """By name of the worker."""

    def kill_child(self, execution: Execution | None) -> None:
        """SIGKILL the process that runs an execution."""
        victim = execution or self._running("kill_child")
        member = self._holder(victim, "kill_child")
        if victim.pid is None:
            raise ConfigurationError(f"celery_faults.kill_child: no process has begun to run {victim.name} yet")
        if victim.pid == self._trial.workers[member.boot].pid:
            raise ConfigurationError(
                f"celery_faults.kill_child: the pool {victim.pool} runs tasks in no child process; use kill_worker()"
            )
        self._trial.book.note("kill-child", task_id=victim.task_id, pid=victim.pid, boot=member.boot)
        self._trial.book.strike([victim.task_id])
        member.worker.send_signal(victim.pid, SIGKILL)

    def kill_worker(self, worker: str | Execution | None, *, restart: bool) -> None:
        """SIGKILL a worker with all its processes."""
        member = self._choose(worker, "kill_worker")
        self._expect_end(member, "kill-worker", "SIGKILL", restart=restart)
        member.worker.kill()

    def stop(self, worker: str | Execution | None, name: str, *, restart: bool, what: str = "") -> None:
        """Send a worker one of the signals upon which it ends by itself."""
        member = self._choose(worker, what or {"SIGTERM": "terminate", "SIGQUIT": "quit"}[name])
        self._expect_end(member, "stop-worker", name, restart=restart)
        member.worker.kill(Signals[name])

    def soft_shutdown(self, worker: str | Execution | None, *, restart: bool) -> None:
        """Send SIGQUIT to a worker that has a soft shutdown timeout."""
        member = self._choose(worker, "soft_shutdown")
        timeout_s = dict(self._trial.app.conf.items()).get(_SOFT)
        timeout_s = member.worker.launch.probe.config.get(_SOFT, timeout_s)
        if not timeout_s:
            raise ConfigurationError(
                f"celery_faults.soft_shutdown: {_SOFT}={timeout_s!r} makes it a cold one: set it in the app, or with "
                f"@pytest.mark.celery_worker(config={{{_SOFT!r}: 3}}); or use quit()"
            )
        self.stop(member.spec.name, "SIGQUIT", restart=restart, what="soft_shutdown")

    def freeze(self, worker: str | Execution | None) -> Lasting:
        """Stop a worker with all its processes."""
        member = self._choose(worker, "freeze")
        name = member.spec.name
        if name in self._frozen and not self._frozen[name].over:
            return self._frozen[name]
        self._trial.book.note("freeze-worker", pid=member.worker.pid, boot=member.boot)
        member.worker.freeze()
        self._frozen[name] = self._ward.admit(Lasting(lambda: self._thaw(member)))
        return self._frozen[name]

    def thaw(self, worker: str | None) -> None:
        """Have frozen workers go on."""
        if worker is not None:
            self._choose(worker, "thaw")
        for name, frozen in self._frozen.items():
            if worker in (None, name):
                frozen.heal()

    def _thaw(self, member: Member) -> None:
        if member.worker.alive:
            member.worker.thaw()
            self._trial.book.note("thaw-worker", pid=member.worker.pid, boot=member.boot)

    def _expect_end(self, member: Member, kind: str, signal: str, *, restart: bool) -> None:
        """Note a fault of which a worker ends, before it does."""
        book, boot = self._trial.book, member.boot
        if not restart:
            self._ward.admit(self._trial.leave_dead(boot))
        book.note(kind, pid=member.worker.pid, boot=boot, detail=signal)
        book.strike(draft.key[0] for draft in book.held_by(boot))

    def _choose(self, worker: str | Execution | None, what: str) -> Member:
        """Find the worker that is meant."""
        living = [member for member in self._trial.pool.members if member.worker.alive]
        if worker is not None and not isinstance(worker, str):
            return self._holder(worker, what)
        names = ", ".join(member.spec.name for member in living) or "none, all are dead"
        if worker is not None:
            living = [member for member in living if member.spec.name == worker]
            if not living:
                raise ConfigurationError(f"celery_faults.{what}: worker={worker!r} is not one of {names}")
        if len(living) > 1:
            busy = {each.boot for each in self._trial.records().executions if each.crashed and each.outcome is None}
            living = [member for member in living if member.boot in busy]
        if len(living) != 1:
            raise ConfigurationError(f"celery_faults.{what}: which worker? worker= is one of {names}")
        return living[0]

    def _holder(self, execution: Execution, what: str) -> Member:
        """Find the worker that holds an execution."""
        for member in self._trial.pool.members:
            if member.boot == execution.boot and member.worker.alive:
                return member
        raise ConfigurationError(
            f"celery_faults.{what}: the worker {execution.worker} that held {execution.name} has ended already"
        )

    def _running(self, what: str) -> Execution:
        """Find the execution that has started last and not ended."""
        living = {member.boot for member in self._trial.pool.members if member.worker.alive}
        running = [
            each
            for each in self._trial.records().executions
            if each.crashed and each.outcome is None and each.boot in living
        ]
        if not running:
            raise ConfigurationError(
                f'celery_faults.{what}: no task runs now; wait for one by when("started"), or hold() it'
            )
        return max(running, key=lambda execution: execution.started_ns or 0)
