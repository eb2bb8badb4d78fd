"""What a terminal shows of workers, queues and runs that were watched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from pytest_celery_perf.model.metric import Scope
from pytest_celery_perf.model.result import TestResult
from pytest_celery_perf.model.summary import ScopeFigure
from pytest_celery_perf.report.glyphs import fit

_SEPARATOR = " · "


def scope_lines(results: Iterable[TestResult], *, unicode: bool = True) -> Iterator[str]:
    """Yield a paragraph for each test that was watched: a line for each worker, each queue, and all together.

    Args:
        results: Of the tests.
        unicode: Whether the terminal can show more than ASCII.
    """
    for result in results:
        if result.figures:
            yield ""
            yield result.nodeid
            groups = groupby(result.figures, lambda figure: (figure.metric.scope, figure.of))
            told = [(_name(scope, of), _told(figures)) for (scope, of), figures in groups]
            width = max(len(name) for name, _ in told)
            yield from (fit(f"    {name:<{width}}  {figures}", unicode=unicode) for name, figures in told)


def _name(scope: Scope, of: str) -> str:
    return f"{scope} {of}" if of else "all together"


def _told(figures: Iterable[ScopeFigure]) -> str:
    return _SEPARATOR.join(f"{each.metric.name} {each.metric.format(each.value)}" for each in figures)
