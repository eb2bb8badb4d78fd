"""What a test says to have things go wrong: the object behind the fixture ``celery_faults``."""

from __future__ import annotations

import itertools
import math
from signal import SIGQUIT, SIGTERM
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.errors import ConfigurationError, UnfinishedTasksError
from pytest_celery_perf.faults.broker import BrokerFaults
from pytest_celery_perf.faults.cast import Cast, why_nobody
from pytest_celery_perf.faults.holding import Held
from pytest_celery_perf.faults.lasting import Lasting, Ward
from pytest_celery_perf.faults.moments import Moment
from pytest_celery_perf.faults.network import CeleryNetwork
from pytest_celery_perf.faults.orders import judge_together, orders_for
from pytest_celery_perf.faults.performance import Script
from pytest_celery_perf.faults.processes import ProcessFaults
from pytest_celery_perf.faults.publishing import PublishDeadline
from pytest_celery_perf.faults.script import check, plan
from pytest_celery_perf.faults.stagehand import Stagehand
from pytest_celery_perf.model.arguments import natural, task_name, task_point
from pytest_celery_perf.model.faults import SUPERVISOR_GRACE_S
from pytest_celery_perf.model.orders import FaultBudget
from pytest_celery_perf.model.spec import Budget
from pytest_celery_perf.model.units import format_duration_s, parse_duration_s

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_celery_perf.model.record import Execution
    from pytest_celery_perf.runner.trial import Trial


class CeleryFaults:
    """Hurts the workers, the broker and the network of a test, at moments that its tasks' records tell.

    Every fault is noted in the test's history. A worker that dies of one gets a successor, as from a supervisor, and
    its messages are delivered again at once, as the broker does when the visibility timeout has passed. What lasts is
    undone at the test's end at the latest.

    Args:
        trial: The test's tasks, workers and broker.
        timeout_s: How long a moment may take to come.
    """

    def __init__(self, trial: Trial, timeout_s: float) -> None:
        self._trial = trial
        self._timeout_s = timeout_s
        self._ward = Ward()
        self._cast = Cast(trial)
        self._processes = ProcessFaults(trial, self._ward)
        self._deadline = PublishDeadline(self._ward, timeout_s)
        self.broker = BrokerFaults(trial, self._ward, self._deadline)
        """What can be done to the broker."""
        self._network: CeleryNetwork | None = None
        self._numbers = itertools.count(1)
        self.ordered: list[Budget] = []
        """What messages carry into the workers, to be judged: a test must not pass because its fault never struck."""
        self._stagehand = Stagehand(trial, self._ward, self._processes, self.broker, lambda: self.network)
        trial.rescue.helper = self._stagehand

    @property
    def network(self) -> CeleryNetwork:
        """What can be done to the network.

        Raises:
            ConfigurationError: The test's workers reach the broker directly.
        """
        if self._network is None:
            if self._trial.pool.links is None:
                raise ConfigurationError(
                    "celery_faults.network: the workers of this test reach the broker directly: let it use the fixture "
                    "celery_network, or mark it with @pytest.mark.celery_worker(network=True)"
                )
            self._network = CeleryNetwork(self._trial, self._ward, self._trial.pool.links, self._deadline)
        return self._network

    def when(self, event: str, task: Any = None, *, nth: int = 1, timeout: float | str | None = None) -> Execution:
        """Wait until an execution has come to a point, and see after the faults meanwhile.

        Args:
            event: ``received``, ``started``, ``ended``, ``acknowledged`` or ``requeued``.
            task: A task or its name; None for any.
            nth: Which one in this test, in order of time; the first is 1.
            timeout: Seconds, or text such as ``"30s"``; ``celery_perf_timeout`` by default.

        Returns:
            The execution, as far as it has come.

        Raises:
            UnfinishedTasksError: None came there in time.
            ConfigurationError: An argument is wrong.
        """
        __tracebackhide__ = True
        moment = Moment(event, task_name(task), nth)
        timeout_s = self._timeout_s if timeout is None else parse_duration_s(timeout, "celery_faults.when: timeout")
        found = self._trial.until(
            lambda: moment.find(self._trial.records(), accepted=self._trial.book.accepted), timeout_s
        )
        if found is None:
            waited = f"{moment.name}: not within {format_duration_s(timeout_s)}"
            raise UnfinishedTasksError(f"celery_faults.when: {waited}{why_nobody(self._trial, task_name(task))}")
        return found

    def hold(self, task: Any = None, *, at: str = "started", times: int = 1) -> Held:
        """Have executions wait at a point until they are released, so that something can happen meanwhile.

        Only of tasks that are published from now on, and of what they publish.

        Args:
            task: A task or its name; None for any.
            at: ``received``, ``started``, ``query:N`` or ``finished``.
            times: How many executions.

        Returns:
            What releases them: by `heal`, or at the end of its ``with`` block. Its `wait` returns once one is held.
        """
        held = Held(self._trial, task_name(task), at, times, self._timeout_s)
        self._ward.admit(held)
        return held

    def kill_child(self, execution: Execution | None = None) -> None:
        """SIGKILL the child process that runs a task.

        Args:
            execution: Which; None for the latest of this test that has started and not ended.
        """
        victim = execution or self._cast.running("kill_child")
        self._processes.kill_child(self._cast.holder(victim, "kill_child"), victim)

    def kill_worker(self, worker: str | Execution | None = None, *, restart: bool = True) -> None:
        """SIGKILL a worker with all its processes.

        Args:
            worker: Its name, or an execution that it holds; None for the only one, or the only one that runs a task.
            restart: Whether a supervisor starts another one. If not, that happens at the test's end.
        """
        self._processes.kill(self._cast.choose(worker, "kill_worker"), restart=restart)

    def terminate(
        self,
        worker: str | Execution | None = None,
        *,
        restart: bool = True,
        grace: float | str | None = SUPERVISOR_GRACE_S,
    ) -> None:
        """Send SIGTERM to a worker, whose warm shutdown waits for its tasks. Returns at once.

        Args:
            worker: See `kill_worker`.
            restart: See `kill_worker`.
            grace: After how many seconds the supervisor kills it, or text such as ``"30s"``; None for never.
        """
        grace_s = math.inf if grace is None else parse_duration_s(grace, "celery_faults.terminate: grace")
        member = self._cast.choose(worker, "terminate")
        self._processes.stop(member, SIGTERM, restart=restart, grace_s=grace_s)

    def quit(self, worker: str | Execution | None = None, *, restart: bool = True) -> None:
        """Send SIGQUIT to a worker, whose cold shutdown leaves its tasks. Returns at once.

        Args:
            worker: See `kill_worker`.
            restart: See `kill_worker`.
        """
        self._processes.stop(self._cast.choose(worker, "quit"), SIGQUIT, restart=restart)

    def soft_shutdown(self, worker: str | Execution | None = None, *, restart: bool = True) -> None:
        """Send SIGQUIT to a worker with a soft shutdown timeout, which its tasks have to end. Returns at once.

        Args:
            worker: See `kill_worker`.
            restart: See `kill_worker`.

        Raises:
            ConfigurationError: The worker has no ``worker_soft_shutdown_timeout``.
        """
        member = self._cast.choose(worker, "soft_shutdown")
        self._demand("soft_shutdown", None)
        self._processes.stop(member, SIGQUIT, restart=restart)

    def freeze(self, worker: str | Execution | None = None) -> Lasting:
        """Stop a worker with all its processes, by SIGSTOP or as a container: alive, but as if it were not.

        Args:
            worker: See `kill_worker`.

        Returns:
            What thaws it: by `heal`, or at the end of its ``with`` block.
        """
        return self._processes.freeze(self._cast.choose(worker, "freeze"))

    def thaw(self, worker: str | None = None) -> None:
        """Have a frozen worker go on.

        Args:
            worker: Its name; None for all that are frozen.
        """
        for member in self._cast.living if worker is None else [self._cast.choose(worker, "thaw")]:
            self._processes.thaw(member)

    def redeliver(self, worker: str | Execution | None = None) -> int:
        """Have the broker deliver again what a living worker holds: its visibility timeout has passed.

        Args:
            worker: See `kill_worker`.

        Returns:
            How many messages there were.

        Raises:
            ConfigurationError: There was none.
        """
        member = self._cast.choose(worker, "redeliver")
        restored = self._trial.rescue.redeliver(member.boot)
        if not restored:
            raise ConfigurationError(f"celery_faults.redeliver: {self._cast.why_empty(member)}")
        return len(restored)

    def time_limit(self, task: Any, *, soft: bool = False, at: str = "started", times: int = 1) -> None:
        """Have executions hang until their time limit strikes, which is brought forward to 0.2 s.

        Args:
            task: A task or its name; as of `hold`, what is published from now on. None for any that has such a limit.
            soft: Whether it is the soft limit that strikes, which raises where they hang; else the hard one kills.
            at: Where they hang: ``started``, ``query:N`` or ``finished``.
            times: How many executions.

        Raises:
            ConfigurationError: Such a task has no limit, so that in production nothing would end it; or the workers'
                pool knows none.
        """
        self._order("soft_time_limit" if soft else "time_limit", task, at, times)

    def out_of_memory(self, task: Any = None, *, at: str = "started", times: int = 1) -> None:
        """Have the process that runs a task take memory until the kernel kills it; in a container with a limit.

        Args:
            task: See `hold`.
            at: ``started``, ``query:N`` or ``finished``.
            times: How many executions.

        Raises:
            ConfigurationError: The workers' memory has no limit.
        """
        self._order("out_of_memory", task, at, times)

    def recycle(self, task: Any = None, *, times: int = 1) -> None:
        """Have the child process that runs a task be replaced after it, as by ``--max-memory-per-child``.

        Args:
            task: See `hold`.
            times: How many executions.

        Raises:
            ConfigurationError: The workers have no ``--max-memory-per-child``.
        """
        self._order("recycle", task, "started", times)

    def script(
        self, seed: int, *, steps: int = 5, seconds: float | str = 30.0, kinds: Iterable[str] | None = None
    ) -> Script:
        """Have several faults happen one after the other, all drawn from a seed: kinds, moments, durations.

        Args:
            seed: Of the draw; the same one gives the same script.
            steps: How many faults.
            seconds: After how many no further fault begins.
            kinds: What to draw from, by the names in `FAULT_KINDS`; None for all that need no order in a message and
                that this test's workers, broker and network can suffer.

        Returns:
            The head of a ``with`` block: each fault strikes while a task that was published there waits at its start,
            and is over before that goes on. At the block's end all of them are.

        Raises:
            ConfigurationError: An argument is wrong.
        """
        chosen = check(seed, steps, kinds, self._stagehand.able())
        seconds_s = parse_duration_s(seconds, "celery_faults.script: seconds")
        drawn = plan(seed, steps, chosen)
        return Script(self._trial, self._ward, self._stagehand, seed=seed, steps=drawn, seconds=seconds_s)

    def heal(self) -> None:
        """Undo whatever still lasts; done by itself at the test's end."""
        self._ward.heal()

    def _order(self, kind: str, task: Any, at: str, times: int) -> None:
        name = task_name(task)
        self._demand(kind, name)
        if at == "received":
            raise ConfigurationError(
                f'celery_faults.{kind}: at="received": no process runs the task yet; use "started"'
            )
        point, number = task_point(at, f"celery_faults.{kind}: at"), natural(times, f"celery_faults.{kind}: times", 1)
        budget = FaultBudget(ordered_by=f"celery_faults.{kind}", kind=kind, task=name, at=point, times=number)
        for order in orders_for(kind, key=f"{kind}{next(self._numbers)}", task=name, at=point, times=number):
            self._trial.order(order)
        judge_together(self.ordered, budget)

    def _demand(self, kind: str, task: str | None) -> None:
        if missing := self._trial.unmet(kind, task):
            raise ConfigurationError(f"celery_faults.{kind}: {missing}")
