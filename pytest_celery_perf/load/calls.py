"""The methods of the fixture ``celery_perf`` that lay loads on a test's workers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_celery_perf.drills import Rehearsal
    from pytest_celery_perf.load.mix import Arguments, Kind
    from pytest_celery_perf.load.pulse import Pulse
    from pytest_celery_perf.measure.capacity import Capacity
    from pytest_celery_perf.measure.load import Load
    from pytest_celery_perf.model.load import CapacityFigures, ClosedLoop, LoadFigures, OpenLoop, Step
    from pytest_celery_perf.runner.trial import Trial

SAMPLES = 60
"""Tasks of each attempt to find a capacity, at least: three of them may be late before the 95th percentile is."""
SHORTEST_S = 2.0
"""How long such an attempt lasts at least. Of a rate r that is too high for a throughput µ, the last of T seconds waits
for (r/µ - 1)·T: what is too short finds no fault with it."""

WARM_ROUNDS = 2
"""How many tasks each slot gets before: the first one of a process fills caches and opens connections."""


class Loads:
    """Lays loads on the workers of a test; a part of the fixture.

    Args:
        trial: The test's tasks.
        find: Returns the task of that name; what is no name, as it is.
        timeout_s: Returns for how many seconds to wait if the user says so; None for what is set.
        wait: Waits for all tasks, for so many seconds.
        rehearsal: Its drill, which begins once the first task is published.
        loads: Gets the figures of each load.
        capacities: Gets those of each capacity.
    """

    def __init__(
        self,
        trial: Trial,
        *,
        find: Callable[[Any], Any],
        timeout_s: Callable[[float | str | None], float],
        wait: Callable[[float], None],
        rehearsal: Rehearsal,
        loads: list[LoadFigures],
        capacities: list[CapacityFigures],
    ) -> None:
        self._trial = trial
        self._find = find
        self._limit_s = timeout_s
        self._finish = wait
        self._rehearsal = rehearsal
        self._loads = loads
        self._capacities = capacities

    def load(
        self,
        task: Any,
        args: Sequence[Any] | Arguments = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        count: int | None = None,
        duration: float | str | None = None,
        rate: float | str | tuple[float | str, float | str] | None = None,
        arrivals: str = "poisson",
        seed: int = 0,
        in_flight: int | tuple[int, int] | None = None,
        publishers: int = 1,
        bulk: bool = True,
        timeout: float | str | None = None,
    ) -> Load:
        """Publish many tasks, and wait until everything that this test has published so far is done.

        With ``rate`` this is an open loop: tasks are published by a schedule, and their latencies count from the times
        at which they were meant to be. Without, it is a closed loop: the next task is published when another has ended.

        Args:
            task: A task, its name or a signature; or several of these with weights: ``{charge: 8, refund: 2}`` or
                ``[(charge.s(1), 8), (refund.s(1), 2)]``.
            args: Its arguments; or a function that returns those of each task, called with its number from 0 on.
            kwargs: Its keyword arguments.
            count: How many tasks.
            duration: For how long to publish: seconds, or text such as ``"30s"``.
            rate: Tasks per second, or text such as ``"3000/min"``; a pair for a ramp from the one to the other.
            arrivals: ``"poisson"`` (independent of each other) or ``"constant"`` (at equal distances).
            seed: Of Poisson arrivals.
            in_flight: How many of the test's tasks are under way at once in a closed loop; a pair for a ramp. By
                default all are published at once.
            publishers: How many processes publish in an open loop.
            bulk: Whether messages may be copies of the first two; False has the app publish each one.
            timeout: Seconds for all of this in a closed loop of `count` tasks, after the last one was due in an open
                loop, after `duration` in a closed one; or text such as ``"30s"``; ``celery_perf_timeout`` by default.

        Returns:
            What the load showed.

        Raises:
            UnfinishedTasksError: Something did not finish in time; the text is a diagnosis.
            ConfigurationError: An argument is wrong.
            BrokerError: The broker did not confirm that it has the messages.
        """
        __tracebackhide__ = True
        from pytest_celery_perf.load.arguments import kinds_of, loop_of

        kinds = kinds_of(task, args, kwargs, self._find, "celery_perf.load")
        loop = loop_of(
            count=count,
            duration=duration,
            in_flight=in_flight,
            rate=rate,
            arrivals=arrivals,
            seed=seed,
            publishers=publishers,
            bulk=bulk,
        )
        load = self._lay(kinds, loop, self._limit_s(timeout), bulk=bulk)
        self._loads.append(load.figures)
        return load

    def capacity(
        self,
        task: Any,
        args: Sequence[Any] | Arguments = (),
        kwargs: Mapping[str, Any] | None = None,
        *,
        p95: float | str,
        between: tuple[float | str, float | str] = (10, 2000),
        precision: float | str = 0.1,
        duration: float | str | None = None,
        seed: int = 0,
        timeout: float | str | None = None,
    ) -> Capacity:
        """Find the rate at which the 95th percentile of a task's latency breaks its budget.

        Each rate is tried by a short open loop with Poisson arrivals: the rate doubles until the budget breaks, then
        the gap is halved until it is small enough. An attempt ends as soon as its verdict is certain. Before all that,
        the workers run some tasks that nobody judges: two for each slot.

        Args:
            task: As in `load`.
            args: As in `load`.
            kwargs: As in `load`.
            p95: The budget: seconds, or text such as ``"250ms"``.
            between: The lowest and the highest rate to try, as in `load`.
            precision: How close the highest rate that held and the lowest that did not must come: 0.1 or ``"10%"``.
            duration: How long each attempt publishes, at least; with low rates longer, for sixty tasks. By default two
                seconds, or as long as a rate that is too high by `precision` needs to break the budget, if that is
                longer: p95 / precision.
            seed: Of the arrivals.
            timeout: As in `load`, for each attempt.

        Returns:
            What was found.

        Raises:
            UnfinishedTasksError: Something did not finish in time; the text is a diagnosis.
            ConfigurationError: An argument is wrong.
        """
        __tracebackhide__ = True
        from pytest_celery_perf.load.arguments import fraction, kinds_of, positive_duration_s, rates_of
        from pytest_celery_perf.load.capacity import search
        from pytest_celery_perf.measure.capacity import Capacity
        from pytest_celery_perf.model.load import ClosedLoop, OpenLoop

        what = "celery_perf.capacity"
        kinds = kinds_of(task, args, kwargs, self._find, what)
        budget_s = positive_duration_s(p95, f"{what}: p95")
        close = fraction(precision, f"{what}: precision")
        lasts_s = max(SHORTEST_S, budget_s / close)
        if duration is not None:
            lasts_s = positive_duration_s(duration, f"{what}: duration")
        timeout_s = self._limit_s(timeout)

        def loop(rate: float) -> OpenLoop:
            count = max(SAMPLES, round(rate * lasts_s))
            return OpenLoop(rate_per_s=(rate, rate), duration_s=count / rate, count=count, seed=seed)

        rates = rates_of(between, f"{what}: between")
        self._lay(kinds, ClosedLoop(count=WARM_ROUNDS * self._slots), timeout_s, bulk=True)
        served: set[str] = set()
        steps = search(lambda rate: self._attempt(kinds, loop(rate), budget_s, timeout_s, served), rates, close)
        capacity = Capacity(budget_s=budget_s, workers=len(served), steps=steps)
        self._capacities.append(capacity.figures)
        return capacity

    @property
    def _slots(self) -> int:
        """How many tasks the workers run at once."""
        known = (self._trial.workers.get(member.boot) for member in self._trial.pool.members)
        return sum((info is not None and info.concurrency) or 1 for info in known)

    def _attempt(
        self, kinds: Sequence[Kind], loop: OpenLoop, budget_s: float, timeout_s: float, served: set[str]
    ) -> Step:
        """Lay a load of one rate on the workers, for as long as it is not certain that it is too much.

        Args:
            kinds: Of tasks.
            loop: The load.
            budget_s: Of the latency.
            timeout_s: How long to wait for its last tasks.
            served: Gets the boots of the workers that ran its tasks.
        """
        from pytest_celery_perf.model.load import Step

        __tracebackhide__ = True
        count = loop.count or 0
        allowed = count // 20
        late = 0

        def too_late(pulse: Pulse) -> bool:
            nonlocal late
            now_ns = time.monotonic_ns()
            self._trial.pump()
            late = pulse.later_than(budget_s, now_ns)
            return late > allowed

        load = self._lay(kinds, loop, timeout_s, bulk=True, give_up=too_late)
        served.update(each.boot for life in load.lives for each in life.started)
        late = max(late, load.missed(budget_s))
        return Step(
            rate_per_s=loop.mean_rate_per_s,
            p95_s=load.latency.percentile_or_none(95),
            late=late / count,
            throughput=load.throughput,
            held=late <= allowed,
            failed=load.failed,
        )

    def _lay(
        self,
        kinds: Sequence[Kind],
        loop: OpenLoop | ClosedLoop,
        timeout_s: float,
        *,
        bulk: bool,
        give_up: Callable[[Pulse], bool] = lambda _: False,
    ) -> Load:
        from pytest_celery_perf.load.drive import Drive
        from pytest_celery_perf.measure.load import Load
        from pytest_celery_perf.measure.selection import published_since
        from pytest_celery_perf.model.load import OpenLoop

        __tracebackhide__ = True
        since_ns = time.monotonic_ns()
        with Drive(self._trial, kinds, bulk=bulk, rehearsal=self._rehearsal) as drive:
            if isinstance(loop, OpenLoop):
                drive.open(loop, give_up)
                self._finish(timeout_s)
            else:
                drive.closed(loop, timeout_s)
                elapsed_s = (time.monotonic_ns() - since_ns) / 1e9 if loop.duration_s is None else 0.0
                self._finish(timeout_s - elapsed_s)
            published = drive.published
        return Load.of(published_since(self._trial.history(), since_ns), loop, published)
