"""Publishes the tasks of a load: by a schedule, or as those before have ended."""

from __future__ import annotations

import bisect
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from pytest_celery_perf.broker.lists import Lists
from pytest_celery_perf.errors import UnfinishedTasksError
from pytest_celery_perf.load.arrivals import schedule
from pytest_celery_perf.load.line import Line, Order
from pytest_celery_perf.load.mix import Kind, interleaved
from pytest_celery_perf.load.publishers import Publishers
from pytest_celery_perf.load.pulse import Pulse
from pytest_celery_perf.model.load import ClosedLoop, OpenLoop, Published
from pytest_celery_perf.model.units import NS_PER_S, format_duration_s

if TYPE_CHECKING:
    from pytest_celery_perf.drills import Rehearsal
    from pytest_celery_perf.runner.trial import Trial

HEAD_START_NS = 20_000_000
"""How long before a task is due those who publish it are told to begin."""
SURVEY_S = 0.1
"""How often a load that may be cut short is looked at."""


class Drive:
    """Lays one load on the workers of a test.

    Args:
        trial: The test's tasks.
        kinds: What to publish.
        bulk: Whether messages may be copied.
        rehearsal: The test's drill, which begins once the first task is published.
    """

    def __init__(self, trial: Trial, kinds: Sequence[Kind], *, bulk: bool, rehearsal: Rehearsal) -> None:
        self._trial = trial
        self._rehearsal = rehearsal
        self._closing = ExitStack()
        probe = trial.pool.probe
        lists = Lists(probe.broker_write_url or probe.broker_url or "")
        self._closing.callback(lists.close)
        self._lines = [Line(kind, trial, lists, bulk=bulk) for kind in kinds]
        self._turns = interleaved([kind.weight for kind in kinds])
        self._number = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._trial.pace = None
        self._closing.close()

    @property
    def published(self) -> tuple[Published, ...]:
        """How the tasks of each kind were published."""
        return tuple(line.published for line in self._lines)

    def closed(self, loop: ClosedLoop, timeout_s: float) -> None:
        """Publish the next task whenever one has ended.

        Args:
            loop: The loop.
            timeout_s: How long to go on at most, unless the loop has a duration.

        Raises:
            BrokerError: The broker did not confirm some.
            UnfinishedTasksError: The time was over before all were published.
        """
        self._trial.pace = Pulse(self._trial.book, loop.count).pace
        began_s = time.monotonic()
        lasts_s = timeout_s if loop.duration_s is None else loop.duration_s
        while (left_s := began_s + lasts_s - time.monotonic()) > 0 and self._number != loop.count:
            limit = self._limit(loop, 1 - left_s / lasts_s)
            room = limit - len(self._trial.book.open)
            if loop.count is not None:
                room = min(room, loop.count - self._number)
            self._publish([None] * room)
            self._play()
            self._trial.wait(left_s, until_open=limit - 1)
            if self._trial.rescue.hopeless:
                return
        if loop.count is not None and self._number < loop.count:
            limit_of = "timeout" if loop.duration_s is None else "duration"
            raise UnfinishedTasksError(
                f"celery_perf.load: {self._number} of {loop.count} tasks were published, "
                f"{_in_flight(loop)} in flight at once, when {format_duration_s(lasts_s)} were over: "
                f"give more time by {limit_of}=, or another in_flight="
            )

    def _limit(self, loop: ClosedLoop, elapsed: float) -> int:
        """Return how many tasks may be under way, once a part of the time, or of the tasks, is over."""
        if loop.in_flight is None:
            return len(self._trial.book.open) + (loop.count or 0)
        first, last = loop.in_flight
        part = elapsed if loop.count is None else self._number / loop.count
        return round(first + (last - first) * part)

    def open(self, loop: OpenLoop, give_up: Callable[[Pulse], bool] = lambda _: False) -> None:
        """Publish tasks by a schedule, whatever becomes of them.

        Args:
            loop: The loop.
            give_up: Tells from how it goes whether to publish no more.

        Raises:
            BrokerError: The broker did not confirm some.
            ConfigurationError: Several processes shall publish, and messages cannot be copied.
        """
        due_ns = schedule(loop)
        pulse = Pulse(self._trial.book, len(due_ns))
        self._trial.pace = pulse.pace
        if loop.publishers > 1 or self._rehearsal.pending:
            self._open_apart(loop.publishers, due_ns, give_up, pulse)
        else:
            self._open_here(due_ns, time.monotonic_ns(), give_up, pulse)

    def _open_here(self, due_ns: Sequence[int], began_ns: int, give_up: Callable[[Pulse], bool], pulse: Pulse) -> None:
        survey_s = 0.0
        while self._number < len(due_ns):
            upto = bisect.bisect_right(due_ns, time.monotonic_ns() - began_ns, lo=self._number)
            self._publish([began_ns + each for each in due_ns[self._number : upto]])
            self._play()
            if self._number < len(due_ns):
                self._trial.attend((began_ns + due_ns[self._number]) / NS_PER_S)
            if time.monotonic() > survey_s:
                if give_up(pulse):
                    return
                survey_s = time.monotonic() + SURVEY_S

    def _open_apart(
        self, processes: int, due_ns: Sequence[int], give_up: Callable[[Pulse], bool], pulse: Pulse
    ) -> None:
        """Publish by a schedule until it is known what to copy; then have other processes do it.

        So is a drill, which keeps this one busy, no pause in the load. Until all processes are prepared, the schedule
        stands still: what was due meanwhile would be late, and seem to have waited for the workers.
        """
        with Publishers(processes, self._trial) as publishers:
            began_ns = time.monotonic_ns()
            while self._number < len(due_ns) and any(line.lacks_template for line in self._lines):
                at_ns = began_ns + due_ns[self._number]
                self._trial.attend(at_ns / NS_PER_S)
                self._publish([at_ns])
            if processes == 1 and any(line.template is None for line in self._lines):
                self._open_here(due_ns, began_ns, give_up, pulse)
                return
            next_ns = due_ns[self._number] if self._number < len(due_ns) else 0
            rest = self._orders(due_ns[self._number :])
            publishers.prepare([(line, orders) for line, orders in zip(self._lines, rest, strict=True) if orders])
            publishers.begin(max(began_ns, time.monotonic_ns() + HEAD_START_NS - next_ns))
            self._play()
            publishers.finish()

    def _play(self) -> None:
        if self._rehearsal.pending:
            self._rehearsal.play()

    def _publish(self, intended_ns: Sequence[int | None]) -> None:
        """Publish one task for each time at which it was meant to be."""
        for line, orders in zip(self._lines, self._orders(intended_ns), strict=True):
            if orders:
                line.publish(orders)

    def _orders(self, intended_ns: Sequence[int | None]) -> list[list[Order]]:
        """Deal out the next tasks to the lines."""
        orders: list[list[Order]] = [[] for _ in self._lines]
        for at_ns in intended_ns:
            orders[next(self._turns)].append(Order(self._number, at_ns))
            self._number += 1
        return orders


def _in_flight(loop: ClosedLoop) -> str:
    if loop.in_flight is None:
        return "all"
    first, last = loop.in_flight
    return f"{first}" if first == last else f"{first} to {last}"
