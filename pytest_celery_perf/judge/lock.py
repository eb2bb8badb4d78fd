"""Judges a test by its lock file: whether its tasks do exactly what is locked, no more and no less."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pytest_celery_perf.judge.subjects import Subject
from pytest_celery_perf.measure.differences import Difference, differences
from pytest_celery_perf.measure.facts import places
from pytest_celery_perf.measure.fingerprint import readable
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.lock import CALLS, NEVER, TALLY, Bounds, TaskFacts, TestFacts
from pytest_celery_perf.model.verdict import Check, Status, Verdict

MARKER = "celery_lock"

_ORDER = ("queries", "outbound", "published", "cache", *TALLY, CALLS)
"""In which a reader looks at what was counted: what is costly first, and what follows from it later."""
_SITES = 2
"""How many places are shown that do the same."""
_NOUNS = {
    "executions": ("execution", "executions"),
    "failures": ("failure", "failures"),
    "ignored": ("ignored task", "ignored tasks"),
    "rejected": ("rejected task", "rejected tasks"),
    "revoked": ("revoked task", "revoked tasks"),
    "retries": ("retry", "retries"),
    "queries": ("query", "queries"),
    "outbound": ("outbound call", "outbound calls"),
    "published": ("published task", "published tasks"),
    "cache": ("operation of the cache", "operations of the cache"),
    CALLS: ("Python call", "Python calls"),
}


def judge(
    locked: TestFacts, seen: TestFacts, history: History, nodeid: str, root: Path | None = None, *, strict: bool = False
) -> tuple[Verdict, ...]:
    """Judge each task of a test by what is locked of it.

    Args:
        locked: What is locked.
        seen: What it did.
        history: What happened: it knows who did it.
        nodeid: The test, for the command that accepts a change.
        root: The folder that paths are shown relative to.
        strict: Whether an improvement fails, too, as long as it is not locked in.
    """
    found = differences(locked, seen)
    improved = not any(each.more for each in found)
    none = TaskFacts()
    return tuple(
        _verdict(
            Subject(marker=MARKER, name=task, lives=(), history=history, root=root),
            [*_checks(locked.tasks.get(task, none), seen.tasks.get(task, none), found, task, strict=strict)],
            [each for each in found if each.task == task],
            accept(nodeid),
            _blind(locked.tasks.get(task, none), seen.tasks.get(task, none)),
            improved=improved,
        )
        for task in sorted({**locked.tasks, **seen.tasks})
    )


def accept(*nodeids: str) -> str:
    """Return the command that locks what tests do now."""
    return f"pytest --celery-perf-update {' '.join(map(shlex.quote, nodeids))}".rstrip()


def _checks(
    locked: TaskFacts, seen: TaskFacts, found: Iterable[Difference], task: str, *, strict: bool
) -> Iterator[Check]:
    by_kind: dict[str, list[Difference]] = {}
    for each in found:
        if each.task == task:
            by_kind.setdefault(each.kind, []).append(each)
    known = {*TALLY, *(locked.kinds.keys() & seen.kinds.keys())}
    for kind in sorted(known, key=_ORDER.index):
        was, now = _total(locked, kind, seen), _total(seen, kind, locked)
        if was.most or now.most:
            yield _check(kind, was, now.most, by_kind.get(kind, []), strict=strict)


def _total(facts: TaskFacts, kind: str, other: TaskFacts) -> Bounds:
    if kind in TALLY:
        return facts.tally.get(kind, NEVER)
    counts = facts.kinds[kind]
    if kind == CALLS:
        counts = {name: bounds for name, bounds in counts.items() if name in other.kinds[kind]}
    if kind == "cache":
        counts = {name: bounds for name, bounds in counts.items() if name != "misses"}  # they are gets, too
    return sum(counts.values(), NEVER)


def _check(kind: str, locked: Bounds, seen: int, found: Sequence[Difference], *, strict: bool) -> Check:
    metric = _NOUNS[kind][1]
    worse = any(each.more for each in found)
    ok = not worse and not (strict and found)
    actual, budget = f"{seen}", f"= {locked.told}" if locked.exact else locked.told
    if seen > locked.most:
        actual += f", +{_count(seen - locked.most, kind)}"
    elif seen < locked.least:
        actual += f", -{_count(locked.least - seen, kind)}"
    if found and seen <= locked.most and (worse or seen >= locked.least):
        actual += ", CHANGED"
    if found and ok:
        budget = f"locked {locked.told}"
    return Check(metric=metric, budget=budget, actual=actual, ok=ok)


def _count(number: int, kind: str) -> str:
    return f"{number} {_NOUNS[kind][number != 1]}"


def _blind(locked: TaskFacts, seen: TaskFacts) -> list[str]:
    """Name what is locked of a task, and could not be counted although it ran."""
    unknown = [kind for kind in _ORDER if kind in locked.kinds and kind not in seen.kinds]
    nouns = ", ".join(_NOUNS[kind][1] for kind in unknown)
    return [f"not compared, since nobody could count them in this run: {nouns}"] if seen.tally and unknown else []


def _verdict(
    subject: Subject,
    checks: Sequence[Check],
    found: Sequence[Difference],
    command: str,
    blind: Sequence[str],
    *,
    improved: bool,
) -> Verdict:
    failed = not all(check.ok for check in checks)
    ordered = sorted(found, key=lambda each: (not each.more, _ORDER.index(each.kind), each.name))
    named = [each for each in ordered if each.name]
    sites = {each: places(subject.history, each.task, each.kind, each.name) for each in named}
    where = tuple(dict.fromkeys(frame for each in named if each.more for frame, _ in sites[each]))
    return Verdict(
        marker=MARKER,
        task=subject.name,
        status=Status.FAIL if failed else Status.INCONCLUSIVE if blind else Status.PASS,
        checks=tuple(checks),
        evidence=(*blind, *_told(named, sites, subject)),
        fix=tuple(_advice(found, where, subject, command, improved=improved)),
        places=where,
    )


def _told(
    found: Sequence[Difference], sites: Mapping[Difference, Sequence[tuple[Frame, int]]], subject: Subject
) -> Iterator[str]:
    """Show the differences like those of two texts: what there is more of, what there is less of."""
    names, signs = _shown(found), [f"+{each.more}" if each.more else f"-{each.less}" for each in found]
    width, indent = max(map(len, names.values()), default=0), max(map(len, signs), default=0)
    for sign, each in zip(signs, found, strict=True):
        line = f"{sign:<{indent}}  {names[each]:<{width}}  {each.locked.told} → {each.seen}"
        shown = [f"{subject.place(frame)} {frame.function}" for frame, _ in sites[each][:_SITES]]
        more = [f"and {len(sites[each]) - _SITES} other places"] if len(sites[each]) > _SITES else []
        yield "  ".join([line, *shown, *more])


def _shown(found: Sequence[Difference]) -> dict[Difference, str]:
    """Name what differs; statements are cut short, unless that leaves nothing that tells them apart."""
    short = {each: readable(each.name) if each.kind == "queries" else f"{each.kind} {each.name}" for each in found}
    times = Counter(short.values())
    return {each: name if times[name] == 1 else each.name for each, name in short.items()}


def _advice(
    found: Sequence[Difference], where: Sequence[Frame], subject: Subject, command: str, *, improved: bool
) -> Iterator[str]:
    if any(each.more for each in found):
        culprit = f"undo it at {subject.place(where[0])} {where[0].function}" if where else "undo it"
        if _fewer(found):
            yield f"there are fewer in all: if that is what you meant, accept it: {command}; else {culprit}"
        else:
            yield f"{culprit}, or accept it: {command}"
        if any(each.more and not each.locked.exact for each in found):
            yield "its bounds are those of a few runs: if nothing has changed, make the task do the same in each run"
    elif found and improved:
        yield f"an improvement: lock it in: {command}"


def _fewer(found: Sequence[Difference]) -> bool:
    """Tell whether what is new replaces more than it is, like a join that does the work of many queries."""
    change: Counter[str] = Counter()
    for each in found:
        change[each.kind] += each.more - each.less
    return all(change[each.kind] < 0 for each in found if each.more)
