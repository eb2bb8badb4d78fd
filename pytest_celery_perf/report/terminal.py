"""What a terminal shows: the text of a failing test, and the summary of the run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from pytest_celery_perf.model.summary import TaskRow
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.glyphs import fit
from pytest_celery_perf.report.table import Column, table

_GLYPHS = {Status.PASS: "✓", Status.FAIL: "✗", Status.INCONCLUSIVE: "?"}
_MARKUP = {Status.PASS: "green", Status.FAIL: "red", Status.INCONCLUSIVE: "yellow"}
_INDENT = "    "
_SEPARATOR = " · "
_PASSES_SHOWN = 5
"""Of one marker on one task: many tests may differ in nothing but the figures of this run."""
_RELATIONS = ("≤", "≥", "=", "<", ">")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the terminal."""

    text: str
    markup: str = ""
    """``red``, ``green``, ``yellow``, ``bold`` or nothing, as pytest's terminal writer names them."""


def verdicts_text(verdicts: Iterable[Verdict], *, unicode: bool = True) -> str:
    """Say why a test failed.

    Args:
        verdicts: Those of the test; what failed is told first.
        unicode: Whether the reader can see more than ASCII.

    Returns:
        The paragraphs of the verdicts, with an empty line between them.
    """
    order = [Status.FAIL, Status.INCONCLUSIVE, Status.PASS]
    ordered = sorted(verdicts, key=lambda verdict: order.index(verdict.status))
    return "\n\n".join(verdict_text(verdict, unicode=unicode) for verdict in ordered)


def verdict_text(verdict: Verdict, *, unicode: bool = True) -> str:
    """Explain one verdict: the gist, every figure, the evidence, what to change.

    Args:
        verdict: Any, passed ones too.
        unicode: Whether the reader can see more than ASCII.

    Returns:
        Several lines; the first one stands for itself.
    """
    lines = [
        f"{_GLYPHS[verdict.status]} {headline(verdict)}",
        *(f"{_INDENT}{line}".rstrip() for line in details(verdict)),
    ]
    return fit("\n".join(lines), unicode=unicode)


def headline(verdict: Verdict) -> str:
    """Say in one line what was judged, and how; it stands for itself."""
    gist, _ = _gist(verdict)
    return f"{verdict.marker} {verdict.task}" + (f": {gist}" if gist else "")


def details(verdict: Verdict) -> list[str]:
    """Say what the headline leaves untold: every figure, the evidence, what to change."""
    _, evidence = _gist(verdict)
    checks = _check_lines(verdict.checks) if len(verdict.checks) > 1 else []
    return [*checks, *evidence, *(f"fix: {sentence}" for sentence in verdict.fix)]


def summary_table(
    rows: Sequence[TaskRow], verdicts: Sequence[Verdict] = (), *, width: int = 80, unicode: bool = True
) -> list[Line]:
    """Sum up a test run: a row per task, then each verdict with actual against budget.

    Args:
        rows: In the order in which they are to be shown.
        verdicts: In the order of the tests; what failed is shown first, equal lines once.
        width: Columns of the terminal.
        unicode: Whether the terminal can show more than ASCII.

    Returns:
        The lines of the section, without its title.
    """
    lines = [*_task_lines(rows, width), *_asked_lines(rows, width)] if rows else []
    if rows and verdicts:
        lines.append(Line(text=""))
    lines.extend(_verdict_lines(verdicts, width))
    return [Line(text=fit(line.text, unicode=unicode), markup=line.markup) for line in lines]


_FIGURES: tuple[tuple[Column, Callable[[TaskRow], str]], ...] = (
    (Column(title="tasks"), lambda row: str(row.tasks)),
    (Column(title="runs"), lambda row: str(row.executions)),
    (Column(title="ok"), lambda row: str(row.succeeded)),
    (Column(title="failed"), lambda row: str(row.failed)),
    (Column(title="lost"), lambda row: str(row.lost)),
    (Column(title="retries"), lambda row: str(row.retries)),
    (Column(title="p50", group="queries"), lambda row: _number(row.queries_median)),
    (Column(title="max", group="queries"), lambda row: _number(row.queries_max)),
    (Column(title="p50", group="queue"), lambda row: _duration(row.queue_p50_s)),
    (Column(title="p95", group="queue"), lambda row: _duration(row.queue_p95_s)),
    (Column(title="p50", group="runtime"), lambda row: _duration(row.runtime_p50_s)),
    (Column(title="p95", group="runtime"), lambda row: _duration(row.runtime_p95_s)),
)


def _task_lines(rows: Sequence[TaskRow], width: int) -> list[Line]:
    # Nothing should ever be lost: the column appears when something was.
    figures = [(column, show) for column, show in _FIGURES if column.title != "lost" or any(row.lost for row in rows)]
    cells = [(row.name, [show(row) for _, show in figures]) for row in rows]
    lines = table("task", [column for column, _ in figures], cells, width)
    return [Line(text=line) for line in lines]


_ASKED = tuple(Column(title=title) for title in ("runs", "p50", "max"))


def _asked_lines(rows: Sequence[TaskRow], width: int) -> list[Line]:
    """What tests have asked for: a line for each metric of each task, unless it is zero throughout."""
    cells = [
        (f"{row.name} {each.metric.name}", [str(each.executions), *map(each.metric.format, (each.median, each.max))])
        for row in rows
        for each in row.figures
        if each.median or each.max
    ]
    return [Line(text=line) for line in ("", *table("measured", _ASKED, cells, width))] if cells else []


def _number(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:.10g}"


def _duration(seconds: float | None) -> str:
    return "–" if seconds is None else format_duration_s(seconds)


def _verdict_lines(verdicts: Sequence[Verdict], width: int) -> list[Line]:
    marker_width = max((len(verdict.marker) for verdict in verdicts), default=0)
    task_width = max((len(verdict.task) for verdict in verdicts), default=0)
    groups: dict[tuple[Status, str], Counter[str]] = {}
    for verdict in verdicts:
        subject = f"{verdict.marker:<{marker_width}}  {verdict.task:<{task_width}}"
        groups.setdefault((verdict.status, subject), Counter())[_figures(verdict)] += 1
    order = [Status.FAIL, Status.INCONCLUSIVE, Status.PASS]
    lines: list[Line] = []
    for (status, subject), told in sorted(groups.items(), key=lambda item: order.index(item[0][0])):
        shown = list(told.items())[: _PASSES_SHOWN if status is Status.PASS else None]
        for figures, times in shown:
            text = _joined(f"{_GLYPHS[status]} {subject}", figures + (f" ×{times}" if times > 1 else ""), width)
            lines.extend(Line(text=line, markup=_MARKUP[status]) for line in text)
        if more := told.total() - sum(times for _, times in shown):
            lines.append(Line(text=f"{_INDENT}… and {more} more that passed", markup=_MARKUP[status]))
    return lines


def _joined(subject: str, figures: str, width: int) -> list[str]:
    """One line or, where that is too long for the terminal, several."""
    line = f"{subject}  {figures}".rstrip()
    if len(line) <= width:
        return [line]
    lines = [""]
    for figure in figures.split(_SEPARATOR):
        longer = f"{lines[-1]}{_SEPARATOR}{figure}" if lines[-1] else figure
        lines[-1:] = [longer] if len(_INDENT + longer) <= width or not lines[-1] else [lines[-1], figure]
    return [subject.rstrip(), *(_INDENT + line for line in lines)]


def _figures(verdict: Verdict) -> str:
    ordered = sorted(verdict.checks, key=lambda check: check.ok)
    told = [_check(check) for check in ordered]
    if not told or (verdict.status is Status.INCONCLUSIVE and ordered[0].ok):
        told.insert(0, _gist(verdict)[0])
    return _SEPARATOR.join(dict.fromkeys(filter(None, told)))


def _gist(verdict: Verdict) -> tuple[str, tuple[str, ...]]:
    """The verdict in one line, and the evidence that this line leaves untold."""
    failed = [check for check in verdict.checks if not check.ok]
    if failed:
        more = f", and {len(failed) - 1} more" if len(failed) > 1 else ""
        return _check(failed[0]) + more, verdict.evidence
    if verdict.status is Status.PASS or not verdict.evidence:
        return _SEPARATOR.join(_check(check) for check in verdict.checks), verdict.evidence
    return verdict.evidence[0].strip(), verdict.evidence[1:]


def _check(check: Check) -> str:
    if check.ok and check.budget.startswith(_RELATIONS):
        return f"{check.metric} {check.actual} {check.budget}"
    return f"{check.metric} {check.actual} ({'' if check.ok else 'budget '}{check.budget})"


def _check_lines(checks: Sequence[Check]) -> list[str]:
    metric = max(len(check.metric) for check in checks)
    actual = max(len(check.actual) for check in checks)
    return [f"{_glyph(check)} {check.metric:<{metric}}  {check.actual:>{actual}}  {check.budget}" for check in checks]


def _glyph(check: Check) -> str:
    return _GLYPHS[Status.INCONCLUSIVE if check.unknown else Status.PASS if check.ok else Status.FAIL]
