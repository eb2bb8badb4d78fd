"""Stored runs as text: how figures went over time, and what they could show on a machine."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import groupby

from pytest_celery_perf.model.baseline import Bench, Chronicle, StoredRun, Trend, name_of
from pytest_celery_perf.model.gate import GateMetric, format_figure
from pytest_celery_perf.model.metric import format_change, format_count, format_share
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.report.glyphs import fit
from pytest_celery_perf.report.table import Column, table

_BARS = "▁▂▃▄▅▆▇█"
_COLUMNS = tuple(Column(title=title) for title in ("runs", "first", "median", "newest", "change", "trend"))


def sparkline(values: Sequence[float]) -> str:
    """Draw figures as bars, the least of them as the lowest; equal ones are of middle height."""
    least, most = min(values), max(values)
    if least == most:
        return _BARS[len(_BARS) // 2 - 1] * len(values)
    return "".join(_BARS[round((each - least) / (most - least) * (len(_BARS) - 1))] for each in values)


def history_text(chronicle: Chronicle, *, width: int = 100, unicode: bool = True) -> str:
    """Show how each figure went over the stored runs, test by test.

    Args:
        chronicle: What is stored.
        width: Columns of the terminal.
        unicode: Whether the reader can see more than ASCII.
    """
    newest = chronicle.runs[-1]
    several, when = "1 run", _when(newest)
    if len(chronicle.runs) > 1:
        several, when = f"{len(chronicle.runs)} runs", f"{_when(chronicle.runs[0])} to {when}"
    others = f"; {chronicle.others} of other environments are left out" if chronicle.others else ""
    lines = [
        f"{chronicle.folder}: {several}, {when}{others}",
        machine_text(newest.environment),
        f"times as at the newest run, when the calibration took {format_duration_s(newest.calibration.wall_s)}",
    ]
    for test, trends in groupby(chronicle.trends, key=lambda each: each.test):
        rows = [(f"{each.task} {name_of(each.metric, each.end)}", _cells(each)) for each in trends]
        lines += ["", *table(test, _COLUMNS, rows, width)]
    return fit("\n".join(lines), unicode=unicode)


def _when(run: StoredRun) -> str:
    return f"{run.created[:10]} ({run.commit})" if run.commit else run.created[:10]


def _cells(trend: Trend) -> list[str]:
    first, *_, newest = (trend.values[0], *trend.values)
    before = statistics.median(trend.values[:-1] or trend.values)
    change = "–" if before == 0 else format_change(newest / before - 1)
    figures = [_figure(trend.metric, each) for each in (first, statistics.median(trend.values), newest)]
    return [str(len(trend.values)), *figures, change, sparkline(trend.values)]


def _figure(metric: str, value: float) -> str:
    return format_figure(metric, value) if metric in {*GateMetric} else format_count(value)


def machine_text(environment: dict[str, str]) -> str:
    """Describe a machine, and the Python on it, in a line."""
    told = [
        environment.get("cpu", ""),
        f"{environment['cores']} cores" if "cores" in environment else "",
        f"limited to {environment['cpu_limit']}" if "cpu_limit" in environment else "",
        environment.get("architecture", ""),
        environment.get("virtualisation", ""),
        *(
            f"{name} {environment[name]}"
            for name in ("python", "celery", "kombu", "redis", "django")
            if name in environment
        ),
    ]
    return ", ".join(filter(None, told))


def bench_text(bench: Bench, *, width: int = 100, unicode: bool = True) -> str:
    """Show how fast and how steady a machine is, and what stored runs could show on it.

    Args:
        bench: The machine.
        width: Columns of the terminal.
        unicode: Whether the reader can see more than ASCII.
    """
    calibration = bench.calibration
    counts = list(dict.fromkeys(each.runs for each in bench.prospects))
    columns = [Column(title=str(count), group="stored runs") for count in counts]
    residuals = dict.fromkeys(each.residual for each in bench.prospects)
    cells = {(each.residual, each.runs): format_change(each.detectable) for each in bench.prospects}
    rows = [
        (_spread(residual, calibration.spread), [cells[residual, count] for count in counts]) for residual in residuals
    ]
    lines = [
        machine_text(bench.environment),
        (
            f"calibration: {format_duration_s(calibration.wall_s)}, CPU time {format_duration_s(calibration.cpu_s)}: "
            f"medians of {calibration.repetitions}; within this second they differed by "
            f"{format_share(calibration.spread)}"
        ),
        "",
        "The smallest slowdown that stored runs tell from chance:",
        "",
        *table("where they differ by", columns, rows, width),
        "",
        "Where they differ by more than 5 % that is advice, and fails no test.",
    ]
    return fit("\n".join(lines), unicode=unicode)


def _spread(residual: float, here: float) -> str:
    return f"{format_share(residual)}, as this second did" if residual == here else format_share(residual)
