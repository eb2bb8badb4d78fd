"""The executions of which a figure is known, and why it is not known of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Generic, TypeVar

from pytest_celery_perf.judge.phrases import beyond_warmup
from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.cases import unended
from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.model.verdict import Check, Verdict

Figure = TypeVar("Figure")

UNENDED = "had not ended when the waiting was over"
_WARM_UP = "warm-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A kind of figure that not every pool and not every machine can tell of one execution."""

    name: str
    """As a sentence begins with it: ``memory``."""
    pools: AbstractSet[str]
    """Those on which it belongs to one execution alone."""
    shared: str
    """What several executions share on the others: ``a process``."""
    untold: str
    """Why a machine may not tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample(Generic[Figure]):
    """An execution with its figure."""

    life: Life
    execution: Execution
    figure: Figure

    def told(self, subject: Subject) -> str:
        """Say which execution it is, when and where it ran."""
        execution = self.execution
        cold = ", first of its process" if execution.first_in_process else ""
        when = f"{subject.clock(execution.started_ns)} in process {execution.pid} of {execution.worker}"
        return f"{self.life.label} attempt {execution.retries + 1}, {when}{cold}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Samples(Generic[Figure]):
    """The executions of a task that a judge looks at, at least one of which was begun."""

    known: tuple[Sample[Figure], ...]
    blind: tuple[str, ...]
    """Why the figure of others cannot be known."""
    left_out: tuple[str, ...]
    """Which others do not count, in a line, if there are any."""
    fix: tuple[str, ...]
    """How to know any, where none is."""

    def nothing_known(self, subject: Subject) -> Verdict:
        """Judge where no figure is known: there is no answer, or the test has not asked for one."""
        if self.blind:
            return subject.verdict((), [*self.blind, *self.left_out], inconclusive=True)
        started = sum(len(life.started) for life in subject.lives)
        check = Check(metric="executions to judge", budget="≥ 1", actual=f"0 of {started}", ok=False)
        return subject.verdict((check,), self.left_out, self.fix)


def samples(
    subject: Subject, quantity: Quantity, figure_of: Callable[[Execution], Figure | None], warmup: int = 0
) -> Samples[Figure]:
    """Find the figures of a task's executions.

    An execution counts if its body came to an end: of one that crashed nothing is known, and one that was made to raise
    (``celery_perf.fail``) has not run its body.

    Args:
        subject: The task.
        quantity: What is looked for.
        figure_of: Finds it; None where it was not measured.
        warmup: How many executions in each process are left out first.
    """
    known: list[Sample[Figure]] = []
    left_out: Counter[str] = Counter()
    unknown: Counter[tuple[str, str]] = Counter()
    runs_of_process: Counter[tuple[str, int | None]] = Counter()
    running = unended(subject.lives, subject.history)
    started = [(life, execution) for life in subject.lives for execution in life.started]
    for life, execution in sorted(started, key=lambda each: each[1].started_ns or 0):
        if (reason := _uncounted(execution, running)) is not None:
            left_out[reason] += 1
            continue
        process = (execution.boot, execution.pid)
        runs_of_process[process] += 1
        if (figure := figure_of(execution)) is None:
            unknown[execution.pool, execution.worker] += 1
        elif runs_of_process[process] <= warmup:
            left_out[_WARM_UP] += 1
        else:
            known.append(Sample(life=life, execution=execution, figure=figure))
    told = ", ".join(f"{count} {reason}" for reason, count in left_out.items())
    return Samples(
        known=tuple(known),
        blind=tuple(_blind(quantity, pool, worker) for pool, worker in unknown),
        left_out=(f"left out: {told}",) if told else (),
        fix=(beyond_warmup(warmup),) if left_out[_WARM_UP] else (),
    )


def _uncounted(execution: Execution, running: AbstractSet[Execution]) -> str | None:
    if execution.ended_ns is None and execution in running:
        return UNENDED
    if execution.ended_ns is None or execution.outcome is Outcome.LOST:
        return "crashed (what it took is not known)"
    if execution.injected or execution.body_ended_ns is None:
        return "stopped before its body ran"
    return None


def _blind(quantity: Quantity, pool: str, worker: str) -> str:
    if pool in quantity.pools:
        return f"{quantity.name} is not known of {worker}: {quantity.untold}"
    *others, last = sorted(quantity.pools)
    return (
        f"{quantity.name} is not attributable on this pool: tasks share {quantity.shared} on {pool} ({worker}); "
        f"run this test on {', '.join(others)} or {last}"
    )
