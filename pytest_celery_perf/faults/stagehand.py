"""Carries out faults in the test process while tasks wait for them."""

from __future__ import annotations

import time
from collections.abc import Callable
from signal import SIGQUIT, SIGTERM
from typing import TYPE_CHECKING

from pytest_celery_perf.faults.script import SCRIPTED
from pytest_celery_perf.model.faults import FAULT_KINDS, Need
from pytest_celery_perf.probe.orders import AWAITED

if TYPE_CHECKING:
    from pytest_celery_perf.faults.broker import BrokerFaults
    from pytest_celery_perf.faults.lasting import Lasting, Ward
    from pytest_celery_perf.faults.network import CeleryNetwork
    from pytest_celery_perf.faults.processes import ProcessFaults
    from pytest_celery_perf.model.faults import Fault
    from pytest_celery_perf.model.record import Execution
    from pytest_celery_perf.runner.pool import Member
    from pytest_celery_perf.runner.trial import Trial

LATENCY_S = 0.2
"""Where nothing else is said: many times that of a network in order, and below all timeouts."""
BYTES_PER_S = 4096
"""Where nothing else is said: a message takes a fraction of a second."""
SCRIPT = f"{AWAITED}script"
"""At which a task waits for a step of a script: whoever plays that carries it out."""


class Stagehand:
    """Does by name what the methods of ``celery_faults`` do.

    Args:
        trial: The test's tasks and workers.
        ward: Undoes what lasts.
        processes: The faults of its workers.
        broker: The faults of its broker.
        network: Returns those of its network.
    """

    def __init__(
        self,
        trial: Trial,
        ward: Ward,
        processes: ProcessFaults,
        broker: BrokerFaults,
        network: Callable[[], CeleryNetwork],
    ) -> None:
        self._trial = trial
        self._ward = ward
        self._processes = processes
        self._broker = broker
        self._network = network
        self._late: list[Fault] = []
        """Faults for which a task waits until another one is over."""

    def able(self) -> list[str]:
        """Return the kinds of faults that a script may have here."""
        own = self._trial.pool.broker.kind != "external"
        return [
            kind
            for kind in SCRIPTED
            if not self._trial.unmet(kind, None) and (own or FAULT_KINDS[kind].need is not Need.OWN_BROKER)
        ]

    def tend(self) -> None:
        """Undo what has lasted for as long as it should, and carry out what had to wait for that."""
        self._ward.tend()
        late, self._late = self._late, []
        for fault in late:
            self.answer(fault)

    def answer(self, fault: Fault) -> None:
        """Carry out a fault for which a task waits, and let the task go on; what is down must first be up again.

        Args:
            fault: What the task has recorded.
        """
        if fault.kind == SCRIPT:
            return
        kind = fault.kind.removeprefix(AWAITED)
        if self._is_struck(kind, fault.boot):
            self._late.append(fault)
            return
        names = {each.name for each in self._trial.records().executions if each.task_id == fault.task_id}
        order, strike = next(
            (order, strike)
            for order in self._trial.orders
            for strike in order.strikes
            if (strike.do, strike.at) == (fault.kind, fault.point) and (strike.task is None or strike.task in names)
        )
        lasting_s, keep_data = order.args
        for member in self._trial.pool.members:  # none, if the worker has died meanwhile
            if member.boot == fault.boot:
                lasting = self.act(kind, member, keep_data=keep_data, point=order.at, task_id=fault.task_id)
                if lasting is not None:
                    self._ward.limit(lasting, time.monotonic() + lasting_s)
        self._trial.release(strike.key)

    def _is_struck(self, kind: str, boot: str | None) -> bool:
        """Tell whether what a fault would hit is down already: then it would not be hit once more."""
        if FAULT_KINDS[kind].need is Need.OWN_BROKER:
            return self._trial.rescue.outage.down
        return kind == "freeze" and boot is not None and self._trial.book.frozen(boot)

    def act(
        self, kind: str, member: Member, *, keep_data: bool = True, point: str = "", task_id: str | None = None
    ) -> Lasting | None:
        """Have a worker, its broker or its network suffer a fault that needs no order in a message.

        Args:
            kind: One of `FAULT_KINDS`.
            member: The worker.
            keep_data: Of the broker's death: whether it comes back with its data.
            point: At which point of a task.
            task_id: Which task.

        Returns:
            What ends it; None if it is over at once.

        Raises:
            ConfigurationError: It cannot be done.
        """
        match kind:
            case "kill_child":
                self._processes.kill_child(member, self._running(member, task_id))
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
            case "reset":
                self._network().reset(worker=member.spec.name)
            case _:
                return self._disturb(kind, member.spec.name)
        return None

    def _disturb(self, kind: str, worker: str) -> Lasting:
        network = self._network()
        faults: dict[str, Callable[[], Lasting]] = {
            "latency": lambda: network.latency(LATENCY_S, jitter=LATENCY_S / 2, worker=worker),
            "bandwidth": lambda: network.bandwidth(BYTES_PER_S, worker=worker),
            "slice": lambda: network.slice(worker=worker),
            "black_hole": lambda: network.black_hole(worker=worker),
            "cut": lambda: network.cut(worker=worker),
            "half_open": lambda: network.half_open(worker=worker),
        }
        return faults[kind]()

    def _running(self, member: Member, task_id: str | None) -> Execution:
        """Return the execution of a task that a worker has started last."""
        executions = [
            each
            for each in self._trial.records().executions
            if each.boot == member.boot and each.task_id == task_id and each.crashed
        ]
        return max(executions, key=lambda execution: execution.started_ns or 0)
