"""Judges ``celery_cache``: which keys are asked for in vain, and which stay for good."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.judge.measured import Quantity, Sample, samples
from pytest_celery_perf.judge.places import Deed, lines, site, table
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.metric import format_share
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.uses import CacheBudget, CacheCall, CacheUse, hit_ratio
from pytest_celery_perf.model.verdict import Check, Verdict
from pytest_celery_perf.probe.pools import ALL

MARKER = "celery_cache"

_QUANTITY = Quantity(name="cache", pools=ALL, shared="a cache", untold="its app has none of Django's caches")

_Known = Sequence[Sample[CacheUse]]


def judge(budget: CacheBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the uses of caches, for each task name on its own.

    Args:
        budget: The limits.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: CacheBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    found = samples(subject, _QUANTITY, lambda execution: _use(execution, budget.alias), budget.warmup)
    ended = all_ended(subject)
    if not found.known and not ended:
        return found.nothing_known(subject)
    findings = [*_findings(budget, found.known)] if found.known else []
    unused = None if budget.alias is None or not found.known else _unused(budget.alias, subject)
    failed = [finding for finding in findings if not finding.check.ok]
    deeds = [_deed(call, failed) for finding in failed[:1] for call in _calls(finding.executions)]
    evidence = [
        *_overview(found.known),
        *([fates(subject)] if ended else []),
        *found.blind,
        *found.left_out,
        *table(deeds, subject),
    ]
    advice = [line for finding in failed for line in _advice(finding, budget.alias, subject)]
    return subject.verdict(
        [*ended, *([] if unused is None else [unused]), *(finding.check for finding in findings)],
        evidence,
        [*advice, *found.fix],
        places=lines(deeds),
        inconclusive=bool(found.blind),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """A check, and what decided it."""

    check: Check
    executions: _Known
    wrong: str
    """What is wrong with a call that has a part in it: ``missed`` or ``no TTL``."""

    def blames(self, call: CacheCall) -> bool:
        """Tell whether a call has a part in it."""
        return call.lasting if self.wrong == "no TTL" else call.event == "miss"


def _use(execution: Execution, alias: str | None) -> CacheUse | None:
    use = execution.figures.cache
    if use is None or alias is None:
        return use
    return CacheUse(calls=tuple(call for call in use.calls if call.alias == alias))


def _unused(alias: str, subject: Subject) -> Check | None:
    """Fail where nobody uses the cache that is judged: a misspelt one would never be over its budget."""
    uses = (execution.figures.cache for life in subject.lives for execution in life.started)
    seen = sorted({call.alias for use in uses if use is not None for call in use.calls})
    if alias in seen:
        return None
    told = f" (seen: {', '.join(seen)})" if seen else ""
    return Check(metric=f"uses of cache {alias!r}", budget="≥ 1", actual=f"0{told}", ok=False)


def _findings(budget: CacheBudget, known: _Known) -> Iterator[_Finding]:
    if budget.hit_ratio is not None:
        ratio = hit_ratio(sample.figure for sample in known)
        actual = "of no key" if ratio is None else format_share(ratio)
        ok = ratio is not None and ratio >= budget.hit_ratio
        check = Check(metric="hit ratio", budget=f"≥ {format_share(budget.hit_ratio)}", actual=actual, ok=ok)
        yield _Finding(check=check, executions=known, wrong="missed")
    if budget.max_misses is not None:
        worst = max(known, key=lambda sample: sample.figure.misses)
        misses = worst.figure.misses
        check = Check(
            metric="misses", budget=f"≤ {budget.max_misses}", actual=str(misses), ok=misses <= budget.max_misses
        )
        yield _Finding(check=check, executions=[worst], wrong="missed")
    if budget.ttl_required:
        lasting = sum(sample.figure.lasting for sample in known)
        check = Check(metric="keys without a TTL", budget="= 0", actual=str(lasting), ok=not lasting)
        yield _Finding(check=check, executions=known, wrong="no TTL")


def _calls(known: _Known) -> Iterator[CacheCall]:
    return (call for sample in known for call in sample.figure.calls)


def _deed(call: CacheCall, failed: Iterable[_Finding]) -> Deed:
    mark = ", ".join(dict.fromkeys(finding.wrong for finding in failed if finding.blames(call)))
    return Deed(times=call.times, cells=(call.event, call.alias, call.key), where=call.where, mark=mark)


def _overview(known: _Known) -> Iterator[str]:
    uses = [sample.figure for sample in known]
    if uses:
        figures = {
            "asked for": sum(use.hits + use.misses for use in uses),
            "found": sum(use.hits for use in uses),
            "written": sum(use.sets for use in uses),
            "deleted": sum(use.deletes for use in uses),
        }
        told = ", ".join(f"{figure} {name}" for name, figure in figures.items())
        yield f"keys of {len(uses)} execution{'s' * (len(uses) > 1)}: {told}"


def _advice(finding: _Finding, alias: str | None, subject: Subject) -> Iterator[str]:
    calls = [*_calls(finding.executions)]
    written = {(call.alias, call.key) for call in calls if call.event == "set"}
    for call in sorted(calls, key=lambda call: -call.times):
        if finding.blames(call):
            who = f"{site(call.where, subject) or subject.function} "
            if finding.wrong == "no TTL":
                yield f"{who}writes {call.key} for good: give it timeout=…, or the cache {call.alias!r} a TIMEOUT"
            elif (call.alias, call.key) in written:
                yield (
                    f"{who}misses {call.key}, though somebody writes such: the first to ask always does (warmup=1); if "
                    "others do too, is the key always the same, its timeout long enough, the cache that of all?"
                )
            else:
                yield f"{who}asks for {call.key}, which nobody writes: cache.set(…) after the miss, or get_or_set(…)"
    if not calls and finding.wrong == "missed":
        which = "cache" if alias is None else f"cache {alias!r}"
        yield f"{subject.function} does not use the {which}: ask it before the work, by get_or_set(…)"
