"""What a comparison of two versions found: a row for each metric of each task, the worst first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_celery_perf.measure.evidence import computable, levels, means
from pytest_celery_perf.model.gate import COUNTS, Comparison, GateReport, Series, Standing, format_figure
from pytest_celery_perf.model.metric import format_change
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Status
from pytest_celery_perf.report.glyphs import fit
from pytest_celery_perf.report.table import Column, table
from pytest_celery_perf.report.terminal import Line

_ORDER = (Status.FAIL, Status.INCONCLUSIVE, Status.PASS)
_COMPARED = (Standing.COMPARED, Standing.RENAMED)
_ASIDE = (Standing.BROKEN, Standing.NEW, Standing.REMOVED, Standing.RENAMED)
_MARKUP = {Status.FAIL: "red", Status.INCONCLUSIVE: "yellow", Status.PASS: "green"}
COLUMNS = tuple(
    Column(title=title) for title in ("task", "metric", "base", "head", "change", "verdict", "epochs", "detectable")
)
_PASSES_SHOWN = 12
"""A hundred tests have hundreds of them, of which the report file has the figures."""
_UNKNOWN = "–"


def gate_lines(report: GateReport, *, width: int = 80, unicode: bool = True) -> list[Line]:
    """Sum up a comparison.

    Args:
        report: What was found.
        width: Columns of the terminal.
        unicode: Whether the terminal can show more than ASCII.

    Returns:
        The lines of the section, without its title.
    """
    both = compared(report)
    lines = [
        *_heading(report),
        Line(text=_counts(report, both), markup="bold"),
        *_rows(both, width),
        *_asides(report.comparisons),
        *(Line(text=text) for text in dict.fromkeys(f"{each.test}: {each.note}" for each in both if each.note)),
    ]
    return [Line(text=fit(line.text, unicode=unicode), markup=line.markup) for line in lines]


def compared(report: GateReport) -> list[Comparison]:
    """Return the comparisons of what both versions have, the worst first."""
    return sorted((each for each in report.comparisons if each.standing in _COMPARED), key=_badness)


def _status(comparison: Comparison) -> Status:
    return Status.INCONCLUSIVE if comparison.decision is None else comparison.decision.status


def _effect(comparison: Comparison) -> float | None:
    return None if comparison.decision is None else comparison.decision.effect


def _badness(comparison: Comparison) -> tuple[int, float]:
    return _ORDER.index(_status(comparison)), -(_effect(comparison) or 0.0)


def _heading(report: GateReport) -> Iterator[Line]:
    epochs = f"{report.epochs} epoch{'s' * (report.epochs != 1)}"
    yield Line(text=f"{report.base} → {report.head}, {epochs} in {format_duration_s(report.duration_s)}")
    for name, (base, head) in report.differences.items():
        yield Line(text=f"differs: {name} {base or _UNKNOWN} → {head or _UNKNOWN}")
    yield from (Line(text=note) for note in report.notes)


def _counts(report: GateReport, compared: Sequence[Comparison]) -> str:
    """Count comparisons by what was decided; the rest as it is told below."""
    decided = [_status(each) for each in compared]
    tests = len({each.test for each in compared})
    found = ", ".join(f"{decided.count(status)} {status}" for status in _ORDER)
    text = f"{len(compared)} comparison{'s' * (len(compared) != 1)} of {tests} test{'s' * (tests != 1)}: {found}"
    text = text if compared else "nothing could be compared"
    asides = [f"{len(lines)} {standing}" for standing, lines in _told(report.comparisons).items()]
    return " · ".join([text, *asides])


# -- the rows ------------------------------------------------------------------------------


def _rows(compared: Sequence[Comparison], width: int) -> Iterator[Line]:
    """Yield the table: all that is no PASS, and the largest effects among those that are."""
    passed = [each for each in compared if _status(each) is Status.PASS]
    shown = [*compared[: len(compared) - len(passed)], *passed[:_PASSES_SHOWN]]
    if not shown:
        return
    heading, *lines = table("test", COLUMNS, [(each.test, cells(each)) for each in shown], width)
    yield Line(text=heading)
    of_each = len(lines) // len(shown)  # two where the terminal is narrow
    for number, line in enumerate(lines):
        yield Line(text=line, markup=_MARKUP[_status(shown[number // of_each])])
    if len(passed) > _PASSES_SHOWN:
        yield Line(text=f"… and {len(passed) - _PASSES_SHOWN} more that passed", markup=_MARKUP[Status.PASS])


def cells(comparison: Comparison) -> tuple[str, ...]:
    """Return a comparison as a row, in the order of `COLUMNS`."""
    series, decision = comparison.series or Series(), comparison.decision
    base, head = (_UNKNOWN, _UNKNOWN)
    if comparison.metric in COUNTS or computable(series):
        known = means(series) if comparison.metric in COUNTS else levels(series)
        base, head = (format_figure(comparison.metric, each) for each in known)
    effect = _effect(comparison)
    detectable = None if decision is None else decision.detectable
    return (
        comparison.task,
        comparison.metric,
        base,
        head,
        _UNKNOWN if effect is None else format_change(effect),
        _status(comparison),
        str(len(series.base)),
        _UNKNOWN if detectable is None else format_change(detectable),
    )


def _asides(comparisons: Sequence[Comparison]) -> Iterator[Line]:
    told = _told(comparisons)
    size = max(map(len, told), default=0)
    known: set[tuple[str, ...]] = set()
    for standing, texts in told.items():
        markup = _MARKUP[Status.INCONCLUSIVE] if standing is Standing.BROKEN else ""
        for text in texts:
            first, *others = text.splitlines()
            yield Line(text=f"{standing:<{size}}  {first}", markup=markup)
            # The last lines of a worker; of one that starts for no test, once is enough.
            if first.endswith(":") and tuple(others) not in known:
                known.add(tuple(others))
                yield from (Line(text=line, markup=markup) for line in others)


def _told(comparisons: Sequence[Comparison]) -> dict[Standing, list[str]]:
    """Tell of tests and tasks that fail in one version, that only one has, that have another name."""
    told = {standing: [_aside(each) for each in comparisons if each.standing is standing] for standing in _ASIDE}
    return {standing: list(dict.fromkeys(texts)) for standing, texts in told.items() if texts}


def _aside(comparison: Comparison) -> str:
    if comparison.standing is Standing.RENAMED:
        return f"{comparison.test}, in the base {comparison.base_test}"
    subject = " ".join(filter(None, (comparison.test, comparison.task)))
    return f"{subject}: {comparison.reason}" if comparison.reason else subject
