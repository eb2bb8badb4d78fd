"""Verdicts and key figures as properties of a JUnit test case."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from pytest_celery_perf.model.summary import ScopeFigure, TaskRow
from pytest_celery_perf.model.verdict import Check, Verdict


def user_properties(
    verdicts: Iterable[Verdict], rows: Iterable[TaskRow], figures: Iterable[ScopeFigure] = ()
) -> list[tuple[str, str]]:
    """Describe one test for ``item.user_properties``.

    They belong to the test case, since pytest-xdist does not carry properties of the suite
    (pytest#7767).

    Args:
        verdicts: Those of the test.
        rows: The figures of its tasks.
        figures: Those of workers, queues and all together.

    Returns:
        (name, value) pairs: ``celery_queries[shop.tasks.pay]`` with the verdict,
        ``shop.tasks.pay.runtime_p95_s`` and ``worker.mail.utilisation`` with a figure. What was not measured is absent.
    """
    said = [(f"{verdict.marker}[{verdict.task}]", _verdict(verdict)) for verdict in verdicts]
    of_scopes = [(_scoped(figure), f"{figure.value:.10g}") for figure in figures]
    return said + [pair for row in rows for pair in _figures(row)] + of_scopes


def _scoped(figure: ScopeFigure) -> str:
    return ".".join(filter(None, (figure.metric.scope, figure.of, figure.metric.name)))


def _verdict(verdict: Verdict) -> str:
    # A verdict without checks failed before there was a figure: its evidence says why.
    figures = "; ".join(_check(check) for check in verdict.checks) or "; ".join(verdict.evidence[:1])
    return f"{verdict.status}: {figures}" if figures else verdict.status.value


def _check(check: Check) -> str:
    return f"{check.metric} {check.actual} (budget {check.budget})"


def _figures(row: TaskRow) -> list[tuple[str, str]]:
    fields = (field.name for field in dataclasses.fields(row) if field.name not in ("name", "figures"))
    figures = [(field, getattr(row, field)) for field in fields]
    for each in row.figures:
        figures += [(f"{each.metric.name}_median", each.median), (f"{each.metric.name}_max", each.max)]
    return [(f"{row.name}.{figure}", f"{value:.10g}") for figure, value in figures if value is not None]
