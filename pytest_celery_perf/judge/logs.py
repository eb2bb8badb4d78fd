"""Judges ``celery_logs``: how much each execution logs, at which level, and what it says again and again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.judge.measured import Quantity, Sample, samples
from pytest_celery_perf.judge.places import Deed, lines, site, table
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.uses import LogsBudget, LogText, LogUse
from pytest_celery_perf.model.verdict import Check, Verdict
from pytest_celery_perf.probe.pools import ALL

MARKER = "celery_logs"

_QUANTITY = Quantity(name="log volume", pools=ALL, shared="loggers", untold="its probe is of another version")

_Known = Sequence[Sample[LogUse]]


def judge(budget: LogsBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the log records of each execution, for each task name on its own.

    Args:
        budget: The limits.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A check, the execution that decided it, and what it is about."""

    check: Check
    worst: Sample[LogUse]
    limited: _Limited


def _judge_task(budget: LogsBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    found = samples(subject, _QUANTITY, lambda execution: execution.figures.logs)
    ended = all_ended(subject)
    if not found.known and not ended:
        return found.nothing_known(subject)
    findings = [*_findings(budget, found.known)] if found.known else []
    failed = [finding for finding in findings if not finding.check.ok]
    evidence = [*_overview(found.known), *([fates(subject)] if ended else []), *found.blind, *found.left_out]
    deeds = [_deed(each, failed) for finding in failed[:1] for each in finding.worst.figure.texts]
    if failed:
        evidence += [failed[0].worst.told(subject), *table(deeds, subject)]
    return subject.verdict(
        [*ended, *(finding.check for finding in findings)],
        evidence,
        [*_advice(failed, subject), *found.fix],
        places=lines(deeds),
        inconclusive=bool(found.blind),
    )


def _findings(budget: LogsBudget, known: _Known) -> Iterator[_Finding]:
    if budget.max is not None:
        yield _at_most(budget.max, known, _Limited(metric="log records", mark="", blames=lambda _: True))
    for level, most in budget.levels:
        name = logging.getLevelName(level)
        yield _at_most(most, known, _Limited(metric=f"{name} records", mark=name, blames=_is_of(level)))
    if budget.repeated is not None:
        most = budget.repeated
        limited = _Limited(metric="same text", mark="repeated", blames=lambda text: text.times > most)
        yield _at_most(most, known, limited, _most_repeated)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limited:
    """What there is a limit of, and which texts have a part in it."""

    metric: str
    mark: str
    blames: Callable[[LogText], bool]

    def count(self, use: LogUse) -> int:
        """Count such records."""
        return sum(text.times for text in use.texts if self.blames(text))


def _is_of(level: int) -> Callable[[LogText], bool]:
    return lambda text: text.level == level


def _most_repeated(use: LogUse) -> int:
    return max((text.times for text in use.texts), default=0)


def _at_most(most: int, known: _Known, limited: _Limited, figure: Callable[[LogUse], int] | None = None) -> _Finding:
    count = figure or limited.count
    worst = max(known, key=lambda sample: count(sample.figure))
    actual = count(worst.figure)
    check = Check(metric=limited.metric, budget=f"≤ {most}", actual=str(actual), ok=actual <= most)
    return _Finding(check=check, worst=worst, limited=limited)


def _deed(text: LogText, failed: Sequence[_Finding]) -> Deed:
    marks = (finding.limited.mark for finding in failed if finding.limited.mark and finding.limited.blames(text))
    return Deed(
        times=text.times,
        cells=(logging.getLevelName(text.level), text.text),
        where=text.where,
        mark=", ".join(dict.fromkeys(marks)),
    )


def _overview(known: _Known) -> Iterator[str]:
    counts = [sample.figure.records for sample in known]
    if len(counts) > 1:
        spread = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        yield f"judged {len(counts)} executions: {spread} log records each"


def _advice(failed: Sequence[_Finding], subject: Subject) -> Iterator[str]:
    for finding in failed:
        blamed = sorted(filter(finding.limited.blames, finding.worst.figure.texts), key=lambda text: -text.times)
        for text in blamed[:1]:
            where = site(text.where, subject) or subject.function
            if text.times > 1:
                yield (
                    f"{where} logs {text.text!r} {text.times} times: log the first few, then how many there were; or "
                    "one record after the loop"
                )
            else:
                yield f"{where} logs {text.text!r}: leave it out, lower its level, or raise the budget on purpose"
