"""Where the time went: the phases of executions, and what their runtime is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Self

from pytest_celery_perf.measure.phases import Phases
from pytest_celery_perf.measure.queries import body_queries
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.units import format_duration_ns

_NOTABLE = 10
"""What takes less than this part of the time is not worth to be told, where most tasks have none of it."""

Part = tuple[Execution, Phases]
"""One execution with its phases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """The phases of some executions, added up or averaged; None where nothing was measured."""

    executions: int
    queue_ns: float | None
    lag_ns: float | None
    prefetch_ns: float | None
    runtime_ns: float | None
    around_ns: float | None
    sql_ns: float
    queries: float
    cpu_ns: float | None

    @classmethod
    def total(cls, parts: Sequence[Part]) -> Self:
        """Add the executions of one task."""
        return cls._of(parts, sum)

    @classmethod
    def average(cls, parts: Sequence[Part]) -> Self:
        """Average executions of many tasks."""
        return cls._of(parts, fmean)

    @classmethod
    def _of(cls, parts: Sequence[Part], combine: Callable[[Iterable[float]], float]) -> Self:
        def combined(values: Iterable[float | None]) -> float | None:
            known = [value for value in values if value is not None]
            return combine(known) if known else None

        return cls(
            executions=len(parts),
            queue_ns=combined(phases.queue_ns for _, phases in parts),
            lag_ns=combined(phases.lag_ns for _, phases in parts),
            prefetch_ns=combined(phases.prefetch_ns for _, phases in parts),
            runtime_ns=combined(phases.runtime_ns for _, phases in parts),
            around_ns=combined(phases.around_ns for _, phases in parts),
            sql_ns=combined(_sql_ns(execution) for execution, _ in parts) or 0,
            queries=combined(body_queries(execution) for execution, _ in parts) or 0,
            cpu_ns=combined(execution.cpu_ns for execution, _ in parts),
        )

    def text(self) -> str:
        """Print the phases in the order in which they happen."""
        told = []
        notable_ns = self._known_ns() / _NOTABLE
        parts = []
        if self.lag_ns is not None and self.lag_ns > notable_ns:
            parts.append(f"published late {format_duration_ns(self.lag_ns)}")
        if self.prefetch_ns is not None:
            parts.append(f"prefetched {format_duration_ns(self.prefetch_ns)}")
        if self.queue_ns is not None:
            of_it = f" (of it {', '.join(parts)})" if parts else ""
            told.append(f"in queue {format_duration_ns(self.queue_ns)}{of_it}")
        elif self.prefetch_ns is not None:
            told.append(f"prefetched {format_duration_ns(self.prefetch_ns)}")
        if self.runtime_ns is not None:
            made_of = []
            if self.queries:
                queries = "1 query" if self.queries == 1 else f"{self.queries:.4g} queries"
                made_of.append(f"SQL {format_duration_ns(self.sql_ns)} in {queries}")
            if self.cpu_ns is not None:
                made_of.append(f"CPU {format_duration_ns(self.cpu_ns)}")
            told.append(
                f"runtime {format_duration_ns(self.runtime_ns)}" + (f" ({', '.join(made_of)})" if made_of else "")
            )
        if self.around_ns is not None and self.around_ns > notable_ns:
            told.append(f"before and after it {format_duration_ns(self.around_ns)}")
        return " + ".join(told) or "nothing that was measured"

    def advice(self, phase: str, duration_ns: float) -> str:
        """Say where to begin, by what most of a duration consists of.

        Args:
            phase: The judged phase.
            duration_ns: How long that phase took in these executions.
        """
        lag_ns, prefetch_ns = self.lag_ns or 0, self.prefetch_ns or 0
        runtime_ns, around_ns = self.runtime_ns or 0, self.around_ns or 0
        parts = {
            "the test published it later than its schedule says, as Load.lag tells: prepare what args= computes, give "
            "the load more publishers=, or lower its rate": lag_ns,
            "it lay in a worker's memory behind others: lower the prefetch multiplier, or start it with -O fair": (
                prefetch_ns
            ),
            "it waited in the broker for a free worker: more processes or workers for this queue": (
                (self.queue_ns or 0) - lag_ns - prefetch_ns
            ),
        }
        if phase == "end_to_end":
            parts |= {
                self.advice_on_runtime(): runtime_ns,
                "most of the slowest passed in the worker before and after the task's body: handlers of signals, "
                "connecting to databases, storing the result": around_ns,
                "most of the slowest passed between its executions: delays, retries, redeliveries": (
                    duration_ns - (self.queue_ns or prefetch_ns) - runtime_ns - around_ns
                ),
            }
        return self.advice_on_runtime() if phase == "runtime" else max(parts, key=lambda advice: parts[advice])

    def advice_on_runtime(self) -> str:
        """Say where to begin, by what most of the runtime consists of."""
        half_ns = (self.runtime_ns or 0) / 2
        if self.sql_ns > half_ns:
            return "most of the slowest runtime is SQL: @pytest.mark.celery_queries shows which, and from where"
        if self.cpu_ns is None:
            return "most of the slowest runtime is not SQL: profile the task's body"
        if self.cpu_ns > half_ns:
            return "most of the slowest runtime is computing: profile the task's body"
        return "the slowest mostly waited, neither for SQL nor for the CPU: calls to other services, locks, sleep"

    def _known_ns(self) -> float:
        return sum(each or 0 for each in (self.queue_ns or self.prefetch_ns, self.runtime_ns, self.around_ns))


def _sql_ns(execution: Execution) -> int:
    return sum(use.time_ns for use in execution.queries if use.phase == "body")
