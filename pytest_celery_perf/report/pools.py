"""A task on several pools, and an app's tasks with the pools that suit them, as a terminal shows them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_celery_perf.model.metric import format_count, format_share
from pytest_celery_perf.model.pools import Advice, Comparison, Fit, PoolRun, Stock, TaskProfile
from pytest_celery_perf.model.units import format_duration_s, format_size
from pytest_celery_perf.report.glyphs import fit
from pytest_celery_perf.report.table import Column, table


def comparison_text(comparison: Comparison, *, width: int = 100, unicode: bool = True) -> str:
    """Show a task on several pools.

    Args:
        comparison: What was found.
        width: Columns of the terminal.
        unicode: Whether the reader can see more than ASCII.
    """
    rows = [(run.plan.label, [show(run) for _, show in _COLUMNS]) for run in comparison.runs]
    lines = [
        profile_text(comparison.profile),
        "",
        *table("pool", [column for column, _ in _COLUMNS], rows, width),
        "",
        *_advice(comparison.advice),
    ]
    return fit("\n".join(lines), unicode=unicode)


def inventory_text(stocks: Sequence[Stock], *, width: int = 100, unicode: bool = True) -> str:
    """Show the tasks of an app, with the pools that suit them.

    Args:
        stocks: The tasks.
        width: Columns of the terminal.
        unicode: Whether the reader can see more than ASCII.
    """
    known = [(stock.task, _cells(stock.profile, stock.fit)) for stock in stocks if stock.profile is not None]
    lines = table("task", [Column(title=title) for title in _STOCK], known, width) if known else []
    lines += [f"! {stock.task} on {stock.note}" for stock in stocks if stock.profile is not None and stock.note]
    sized = [(stock.task, stock.fit.label) for stock in stocks if stock.fit is not None and stock.fit.concurrency]
    if sized:
        task, label = sized[0]
        lines.append(f"sizes are computed, and were not tried; to try one: celery-perf pools {task} --pools={label}")
    unknown = [f"{stock.task}: {stock.note}" for stock in stocks if stock.profile is None]
    if unknown:
        lines += [*([""] if lines else []), "not known:", *(f"    {line}" for line in unknown)]
    return fit("\n".join(lines), unicode=unicode)


_STOCK = ("kind", "CPU", "runtime", "executions", "measured", "suits")


def _cells(profile: TaskProfile, fit: Fit | None) -> tuple[str, ...]:
    return (
        "–" if profile.kind is None else profile.kind.value,
        "–" if profile.cpu_share is None else format_share(profile.cpu_share),
        format_duration_s(profile.runtime_s),
        str(profile.executions),
        profile.source,
        "–" if fit is None else fit.label,
    )


def profile_text(profile: TaskProfile) -> str:
    """Say in a line what a task does with its time."""
    kind = "of unknown kind" if profile.kind is None else profile.kind.value
    share = "" if profile.cpu_share is None else f"{format_share(profile.cpu_share)} CPU of "
    return (
        f"{profile.task}: {kind}, {share}{format_duration_s(profile.runtime_s)} "
        f"({profile.source}, {profile.executions} execution{'s' * (profile.executions != 1)})"
    )


def _advice(advice: Advice) -> Iterator[str]:
    if advice.plan is None:
        yield "recommended: none of these pools"
    else:
        size = "" if advice.plan.pool == "solo" else f" -c {advice.plan.concurrency}"
        yield f"recommended: -P {advice.plan.pool}{size}"
    yield from (f"    {reason}" for reason in advice.reasons)
    yield from (f"! {obstacle}" for obstacle in advice.obstacles)


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else format_duration_s(seconds)


def _size(size_bytes: float | None) -> str:
    return "–" if size_bytes is None else format_size(size_bytes)


def _count(number: float | None) -> str:
    return "–" if number is None else format_count(number)


_COLUMNS: tuple[tuple[Column, Callable[[PoolRun], str]], ...] = (
    (Column(title="tasks"), lambda run: str(run.tasks)),
    (Column(title="ok"), lambda run: str(run.succeeded)),
    (Column(title="tasks/s"), lambda run: _count(run.throughput)),
    (Column(title="at once"), lambda run: "–" if run.parallel is None else f"{run.parallel:.3g}"),
    (Column(title="p50", group="runtime"), lambda run: _duration(run.runtime_p50_s)),
    (Column(title="p95", group="runtime"), lambda run: _duration(run.runtime_p95_s)),
    (Column(title="p99", group="runtime"), lambda run: _duration(run.runtime_p99_s)),
    (Column(title="each", group="CPU"), lambda run: _duration(run.cpu_s)),
    (Column(title="cores", group="CPU"), lambda run: "–" if run.cores is None else f"{run.cores:.2g}"),
    (Column(title="all", group="memory"), lambda run: _size(run.memory_bytes)),
    (Column(title="a task", group="memory"), lambda run: _size(run.memory_each_bytes)),
)
