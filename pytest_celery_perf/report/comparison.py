"""Two test runs side by side."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pytest_celery_perf.model.baseline import name_of
from pytest_celery_perf.model.comparison import Row, TestPair
from pytest_celery_perf.model.gate import Standing, format_figure
from pytest_celery_perf.model.metric import format_change, format_count
from pytest_celery_perf.report.glyphs import fit
from pytest_celery_perf.report.table import Column, table
from pytest_celery_perf.report.terminal import verdicts_text

_COLUMNS = tuple(Column(title=title) for title in ("before", "after", "change"))
_UNKNOWN = "–"
SEPARATE = (
    "Times and memory are of two separate runs: they are told and not judged, since what differs may be the machine's.",
    "pytest --celery-perf-base=REV compares them in one run.",
)
TOGETHER = ("Times and memory are judged by how far each run was from the base that it was compared with, in turns.",)


def comparison_text(pairs: Sequence[TestPair], *, gated: bool, width: int = 100, unicode: bool = True) -> str:
    """Show two test runs side by side, and what is worse.

    Args:
        pairs: Each test in both.
        gated: Whether times were judged.
        width: Columns of the terminal.
        unicode: Whether the reader can see more than ASCII.
    """
    lines: list[str] = []
    for pair in pairs:
        if pair.rows:
            rows = [(f"{row.task} {name_of(row.metric, row.end)}", _cells(row)) for row in pair.rows]
            lines += [*table(pair.test, _COLUMNS, rows, width), ""]
    for pair in pairs:
        if pair.verdicts and (pair.worse or pair.better):
            lines += [f"{pair.test}:", verdicts_text(pair.verdicts), ""]
    lines += [*_asides(pairs), *(TOGETHER if gated else SEPARATE), _sum(pairs)]
    return fit("\n".join(lines), unicode=unicode)


def _cells(row: Row) -> tuple[str, str, str]:
    show = format_count if row.exact else lambda figure: format_figure(row.metric, figure)
    before, after = (_UNKNOWN if each is None else show(each) for each in (row.before, row.after))
    return before, after, _change(row)


def _change(row: Row) -> str:
    if row.before is None or row.after is None:
        return _UNKNOWN
    if row.exact:
        return "=" if row.after == row.before else f"{row.after - row.before:+,.0f}"
    return format_change(row.after / row.before - 1) if row.before else _UNKNOWN


def _asides(pairs: Iterable[TestPair]) -> Iterator[str]:
    """Tell of the tests that were not compared, or not as others."""
    for pair in pairs:
        if pair.standing is Standing.RENAMED:
            yield f"RENAMED  {pair.test}, before {pair.before}"
        elif pair.standing is not Standing.COMPARED or pair.reason:
            standing = "" if pair.standing is Standing.COMPARED else f"{pair.standing}  "
            yield f"{standing}{pair.test}" + (f": {pair.reason}" if pair.reason else "")


def _sum(pairs: Sequence[TestPair]) -> str:
    compared = [pair for pair in pairs if pair.verdicts or pair.fails]
    worse, better = sum(pair.worse for pair in compared), sum(pair.better for pair in compared)
    same = len(compared) - worse - better
    counts = [(worse, "worse"), (better, "better"), (same, "the same")]
    told = ", ".join(f"{number} {what}" for number, what in counts if number or what == "worse")
    return f"{len(compared)} test{'s' * (len(compared) != 1)} compared: {told}"
