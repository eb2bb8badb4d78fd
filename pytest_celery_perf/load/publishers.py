"""Several processes that publish, where one is too slow."""

from __future__ import annotations

import json
import select
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any, Self

from pytest_celery_perf.errors import BrokerError, ConfigurationError
from pytest_celery_perf.guard.tether import tethered
from pytest_celery_perf.load.line import Line, Order
from pytest_celery_perf.load.publisher import Job, Share

if TYPE_CHECKING:
    from pytest_celery_perf.runner.trial import Trial

LOOK_S = 0.05
"""How often it is looked whether they are done."""


class Publishers:
    """Processes that wait for something to publish; use it as a context manager.

    They know nothing of the app: what they put into the broker are copies. First all prepare, then they begin together.

    Args:
        count: How many.
        trial: The test's tasks.

    Raises:
        BrokerError: One of them did not start; the text is what it said.
    """

    def __init__(self, count: int, trial: Trial) -> None:
        self._trial = trial
        self._processes: list[subprocess.Popen[str]] = []
        command = tethered([sys.executable, "-m", "pytest_celery_perf.load.publisher"])
        with ExitStack() as stack:
            for _ in range(count):
                pipe = subprocess.PIPE
                process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
                stack.enter_context(process)
                stack.callback(process.kill)
                self._processes.append(process)
            for process in self._processes:
                _hear(process)  # that it is ready: to start takes as long as hundreds of tasks
            self._ending = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.close()

    def prepare(self, work: Sequence[tuple[Line, Sequence[Order]]]) -> None:
        """Have all made ready that is to be published: to make ten thousand messages takes longer than to send them.

        Args:
            work: Lines, each with its tasks. When they are due counts from the beginning.

        Raises:
            BrokerError: A process has ended; the text is what it said.
            ConfigurationError: The messages of a line cannot be copied.
        """
        count = len(self._processes)
        for number, process in enumerate(self._processes):
            self._give(process, [self._share(line, orders[number::count]) for line, orders in work])
        unprepared = {process.stdout: process for process in self._processes if process.stdout is not None}
        while unprepared:
            self._trial.attend(time.monotonic() + LOOK_S)
            for told in select.select([*unprepared], [], [], 0)[0]:
                _hear(unprepared.pop(told))

    def begin(self, began_ns: int) -> None:
        """Have the tasks published when they are due.

        Args:
            began_ns: The beginning.

        Raises:
            BrokerError: A process has ended; the text is what it said.
        """
        for process in self._processes:
            _say(process, str(began_ns))

    def finish(self) -> None:
        """Return when all are published.

        Raises:
            BrokerError: A process did not come to its end; the text is what it said.
        """
        while any(process.poll() is None for process in self._processes):
            self._trial.attend(time.monotonic() + LOOK_S)
        for process in self._processes:
            if process.returncode:
                raise _ended(process)

    def _share(self, line: Line, orders: Sequence[Order]) -> Share:
        if line.template is None or line.like is None:
            raise ConfigurationError(
                f"celery_perf.load: publishers={len(self._processes)} can only copy messages, and those of "
                f"{line.kind.name} cannot be copied: {line.published.reason}"
            )
        return Share.of(
            line.template,
            line.like,
            blanks=[dict(line.blanks(order)) for order in orders],
            intended_ns=[order.intended_ns or 0 for order in orders],
        )

    def _give(self, process: subprocess.Popen[str], shares: list[Share]) -> None:
        probe = self._trial.pool.probe
        job = Job(
            url=probe.broker_write_url or probe.broker_url or "",
            spool=self._trial.journal.spool,
            doorbell=probe.doorbell,
            boot=self._trial.journal.boot,
            shares=shares,
        )
        _say(process, json.dumps(_plain(job) | {"shares": [_plain(share) for share in shares]}))


def _say(process: subprocess.Popen[str], line: str) -> None:
    if process.stdin is not None:
        try:
            print(line, file=process.stdin, flush=True)
        except BrokenPipeError:
            with suppress(BrokenPipeError):  # or the end of the context would say it again
                process.stdin.close()
            raise _ended(process) from None


def _hear(process: subprocess.Popen[str]) -> None:
    if process.stdout is not None and not process.stdout.readline():
        raise _ended(process)


def _ended(process: subprocess.Popen[str]) -> BrokerError:
    said = process.stderr.read().strip() if process.stderr else ""
    return BrokerError(f"a publisher of this load has ended with status {process.wait()}: {said}")


def _plain(told: Job | Share) -> dict[str, Any]:
    """Return the fields, as they are: ``dataclasses.asdict`` would copy what each message has of its own."""
    return {each.name: getattr(told, each.name) for each in fields(told)}
