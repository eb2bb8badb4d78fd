"""Figures as OpenMetrics text, for GitLab's ``artifacts:reports:metrics``; Prometheus reads it too.

Source: the OpenMetrics specification 1.0; GitLab, "Metrics reports". GitLab splits a line as a shell does, cuts it at
the first ``#``, and compares the values as texts (``Gitlab::Ci::Parsers::Metrics::Generic``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from pytest_celery_perf.model.gate import GateReport
from pytest_celery_perf.model.metric import Metric, Unit
from pytest_celery_perf.model.verdict import Status
from pytest_celery_perf.report.formats.figures import figures
from pytest_celery_perf.report.json import Report

_UNITS = {Unit.SECONDS: "seconds", Unit.BYTES: "bytes", Unit.RATE: "per_second", Unit.SHARE: "ratio", Unit.COUNT: ""}
_OUTCOMES = ("passed", "failed", "skipped")

Sample = tuple[Mapping[str, str], float]
"""Labels and a value."""


def gitlab_metrics(report: Report) -> str:
    """Write each figure of each test, and how many tests and verdicts there were of which outcome.

    Args:
        report: A test run.
    """
    outcomes = Counter(test.outcome for test in report.tests)
    statuses = Counter(verdict.status for test in report.tests for verdict in test.verdicts)
    lines = [
        *_family("celery_perf_tests", "", "by outcome", [({"outcome": each}, outcomes[each]) for each in _OUTCOMES]),
        *_family("celery_perf_verdicts", "", "by status", [({"status": each}, statuses[each]) for each in Status]),
    ]
    if report.gate is not None:
        lines += _family("celery_perf_change_ratio", "ratio", "head over base, less 1", _changes(report.gate))
    families: dict[str, tuple[Metric, list[Sample]]] = {}
    for figure in (each for test in report.tests for each in figures(test)):
        labels = {"test": figure.test, "of": figure.of} | ({"statistic": figure.statistic} if figure.statistic else {})
        if (plain := _plain(figure.metric)) != figure.metric.name:
            labels["metric"] = figure.metric.name  # a counter of the user's may be called as another one but for that
        families.setdefault(_family_name(plain, figure.metric), (figure.metric, []))[1].append((labels, figure.value))
    for name, (metric, samples) in sorted(families.items()):
        lines += _family(name, _UNITS[metric.unit], metric.meaning, samples)
    return "\n".join([*lines, "# EOF", ""])


def _changes(gate: GateReport) -> Iterator[Sample]:
    for each in gate.comparisons:
        if each.decision is not None and each.decision.effect is not None:
            yield {"test": each.test, "of": each.task, "metric": each.metric}, each.decision.effect


def _plain(metric: Metric) -> str:
    return re.sub(r"[^a-z0-9]+", "_", metric.name.lower()).strip("_")


def _family_name(plain: str, metric: Metric) -> str:
    return "_".join(filter(None, ("celery_perf", plain, _UNITS[metric.unit])))


def _family(name: str, unit: str, meaning: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# TYPE {name} gauge"
    if unit:
        yield f"# UNIT {name} {unit}"
    yield f"# HELP {name} {_escaped(meaning)}"
    last = {tuple(labels.items()): (labels, value) for labels, value in samples}  # a test may have run twice
    for labels, value in last.values():
        told = ",".join(f'{label}="{_escaped_label(text)}"' for label, text in labels.items())
        yield f"{name}{{{told}}} {value:.10g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _escaped_label(text: str) -> str:
    """Escape a label; GitLab would take what stands behind a ``#`` for a comment."""
    return _escaped(text).replace("#", "%23")
