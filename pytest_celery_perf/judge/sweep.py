"""What a sweep over points comes to: a table of them, and one verdict."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_celery_perf.judge.subjects import listed, place_of
from pytest_celery_perf.measure.fingerprint import readable
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.sweep import PointResult, Sweep
from pytest_celery_perf.model.verdict import Check, Status, Verdict

_GLYPHS = {Status.PASS: "✓", Status.FAIL: "✗", Status.INCONCLUSIVE: "?"}
_LABEL = 60
_IDS_SHOWN = 8
_NAMES_SHOWN = 3


def verdict_of(sweep: Sweep, root: Path | None = None, nodeid: str = "") -> Verdict:
    """Judge a sweep: every point that was struck must have been survived.

    Args:
        sweep: What was found.
        root: The folder that paths are shown relative to.
        nodeid: The test, for the command that tries one point alone.

    Returns:
        FAIL if a point was not survived, or none could be tried. INCONCLUSIVE if the task took another path at one, or
        if it proves nothing that all were survived.
    """
    if sweep.problem:
        return Verdict(
            marker=sweep.marker,
            task=sweep.task,
            status=Status.FAIL,
            checks=(Check(metric="points tried", budget="≥ 1", actual="0", ok=False),),
            evidence=tuple(sweep.problem.splitlines()),
            fix=sweep.advice,
        )
    failed = [each for each in sweep.results if each.status is Status.FAIL]
    unclear = any(each.status is Status.INCONCLUSIVE for each in sweep.results)
    status = Status.FAIL if failed else Status.INCONCLUSIVE if unclear or sweep.doubt else Status.PASS
    return Verdict(
        marker=sweep.marker,
        task=sweep.task,
        status=status,
        checks=tuple(_checks(sweep)),
        evidence=(*_astray(sweep), *([sweep.doubt] if sweep.doubt else ()), *_table(sweep, root), *_notes(sweep)),
        fix=(*dict.fromkeys(line for each in failed for line in each.fix), *sweep.advice, *_alone(failed, nodeid)),
    )


def _checks(sweep: Sweep) -> Iterator[Check]:
    struck = [each for each in sweep.results if each.status is not Status.INCONCLUSIVE]
    survived = sum(each.status is Status.PASS for each in struck)
    yield Check(metric="points survived", budget=f"= {len(struck)}", actual=f"{survived}", ok=survived == len(struck))
    every = len(sweep.results) + sum(len(ids) for _, ids in sweep.left_out)
    why = [f"{len(ids)} left out: {reason}" for reason, ids in sweep.left_out]
    if other := len(sweep.results) - len(struck):
        why.append(f"{other} not reached: another path")
    yield Check(metric="points struck", budget="; ".join(why) or "all", actual=f"{len(struck)} of {every}", ok=True)
    yield from _uncompared(sweep)


def _uncompared(sweep: Sweep) -> Iterator[Check]:
    """Tell, of a sweep that passed, too, what it did not look at."""
    every = "another in each run"
    if sweep.vague:
        names = listed(sweep.vague, _NAMES_SHOWN)
        yield Check(metric="compared as NULL or not alone", budget=every, actual=names, ok=True)
    if sweep.unsteady:
        yield Check(metric="not compared", budget=every, actual=listed(sweep.unsteady, _NAMES_SHOWN), ok=True)
    for name, why in sweep.uncompared:
        yield Check(metric="not compared", budget=why, actual=name, ok=True)


def _astray(sweep: Sweep) -> Iterator[str]:
    ids = [each.target.id for each in sweep.results if each.status is Status.INCONCLUSIVE]
    if ids:
        yield f"the task took another path and did not come to {listed(ids, _IDS_SHOWN)}"


def _table(sweep: Sweep, root: Path | None) -> Iterator[str]:
    yield f"{sweep.fault} right before each point:"
    rows = [(f"{_GLYPHS[each.status]} {each.target.id}", _what(each.target.point), each) for each in sweep.results]
    ids = max((len(row[0]) for row in rows), default=0)
    whats = max((len(row[1]) for row in rows), default=0)
    for name, what, each in rows:
        where = each.target.point.where
        place = "" if where is None else place_of(where, root)
        yield f"{name:<{ids}}  {what:<{whats}}  {each.outcome}{f'  ({place})' if place else ''}"
        for finding in each.findings:
            first, *rest = finding.splitlines()
            yield f"    {first}"
            yield from (f"      {line}" for line in rest)


def _what(point: Point) -> str:
    label = readable(point.label, _LABEL) if point.kind == "query" else point.label
    return f"{point.kind} {label}".rstrip()


def _notes(sweep: Sweep) -> Iterator[str]:
    for reason, ids in sweep.left_out:
        yield f"not tried, {reason}: {listed(ids, _IDS_SHOWN)}"
    if sweep.unsteady:
        yield f"another in each run, so not compared: {listed(sweep.unsteady, _IDS_SHOWN)}"
    if sweep.vague:
        yield f"another in each run, so compared as NULL or not alone: {listed(sweep.vague, _IDS_SHOWN)}"
    yield from sweep.notes


def _alone(failed: list[PointResult], nodeid: str) -> Iterator[str]:
    if failed:
        yield f"to try one point alone: pytest '{nodeid}' --celery-perf-point={failed[0].target.id}"
