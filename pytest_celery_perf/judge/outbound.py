"""Judges ``celery_outbound``: how often each execution calls others, and whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from pytest_celery_perf.judge.measured import Quantity, Sample, samples
from pytest_celery_perf.judge.places import Deed, lines, site, summed, table
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, listed, never_started
from pytest_celery_perf.measure.outbound import Calls, calls_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.uses import OutboundBudget
from pytest_celery_perf.model.verdict import Check, Verdict
from pytest_celery_perf.probe.pools import ALL

MARKER = "celery_outbound"

_QUANTITY = Quantity(name="outbound", pools=ALL, shared="connections", untold="its probe is of another version")

_Known = Sequence[Sample[Calls]]


def judge(budget: OutboundBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the calls of each execution, for each task name on its own.

    ``exact`` looks at the executions that succeeded, if any did, since a body that raises stops half way.

    Args:
        budget: The limits.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A check, and the execution that decided it."""

    check: Check
    worst: Sample[Calls]
    strangers: frozenset[str] = frozenset()
    """Who must not be called, and was."""


def _judge_task(budget: OutboundBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    found = samples(subject, _QUANTITY, calls_of)
    ended = all_ended(subject)
    if not found.known and not ended:
        return found.nothing_known(subject)
    findings = [*_findings(budget, found.known)] if found.known else []
    failed = [finding for finding in findings if not finding.check.ok]
    evidence = [*_overview(found.known), *([fates(subject)] if ended else []), *found.blind, *found.left_out]
    strangers = frozenset[str]().union(*(finding.strangers for finding in failed))
    deeds = [*_deeds(failed[0].worst.figure, strangers)] if failed else []
    if failed:
        evidence += [failed[0].worst.told(subject), *table(deeds, subject)]
    return subject.verdict(
        [*ended, *(finding.check for finding in findings)],
        evidence,
        [*(line for finding in failed for line in _advice(finding, budget, subject)), *found.fix],
        places=lines(deeds),
        inconclusive=bool(found.blind),
    )


def _findings(budget: OutboundBudget, known: _Known) -> Iterator[_Finding]:
    if budget.max is not None:
        worst = max(known, key=lambda sample: sample.figure.total)
        actual = worst.figure.total
        check = Check(metric="calls", budget=f"≤ {budget.max}", actual=str(actual), ok=actual <= budget.max)
        yield _Finding(check=check, worst=worst)
    if budget.exact is not None:
        wanted = budget.exact
        complete = [each for each in known if each.execution.outcome is Outcome.SUCCEEDED] or known
        worst = max(complete, key=lambda sample: abs(sample.figure.total - wanted))
        actual = worst.figure.total
        yield _Finding(
            check=Check(metric="calls", budget=f"= {wanted}", actual=str(actual), ok=actual == wanted), worst=worst
        )
    if budget.hosts is not None:
        called = {peer for sample in known for peer in sample.figure.peers}
        strangers = frozenset(peer for peer in called if not _allowed(peer, budget.hosts))
        worst = max(known, key=lambda sample: len(strangers & sample.figure.peers.keys()))
        allowed = ", ".join(budget.hosts) or "nobody"
        told = listed(sorted(strangers)) or listed(sorted(called)) or "nobody"
        yield _Finding(
            check=Check(metric="hosts", budget=f"in {allowed}", actual=told, ok=not strangers),
            worst=worst,
            strangers=strangers,
        )


def _allowed(peer: str, patterns: Sequence[str]) -> bool:
    host = peer.rpartition(":")[0] or peer
    return any(fnmatchcase(peer, pattern) or fnmatchcase(host, pattern) for pattern in patterns)


def _deeds(calls: Calls, strangers: frozenset[str]) -> Iterator[Deed]:
    for call in calls.made:
        mark = "not allowed" if call.peer in strangers else ""
        yield Deed(times=call.times, cells=(call.peer, call.what), where=call.where, mark=mark)


def _overview(known: _Known) -> Iterator[str]:
    counts = Counter(sample.figure.total for sample in known)
    if len(known) > 1:
        least, most = min(counts), max(counts)
        yield f"judged {len(known)} executions: {least if least == most else f'{least} to {most}'} calls each"


def _advice(finding: _Finding, budget: OutboundBudget, subject: Subject) -> Iterator[str]:
    calls = finding.worst.figure
    if finding.strangers:
        for deed in summed(_deeds(calls, finding.strangers)):
            if deed.mark:
                where = site(deed.where, subject) or subject.function
                yield f"{where} calls {deed.cells[0]}: leave it to another task, or add it to hosts="
        return
    if budget.exact is not None and calls.total < budget.exact:
        yield f"fewer calls than expected: if that is the improvement you made, write exact={calls.total}"
        return
    for deed in summed(_deeds(calls, frozenset()))[:1]:
        where = site(deed.where, subject) or subject.function
        if deed.times > 1:
            yield f"{where} calls {deed.cells[0]} {deed.times} times: ask once for all, or keep the answer in a cache"
        else:
            yield f"{where} calls {deed.cells[0]}: keep its answer in a cache, or raise the budget on purpose"
