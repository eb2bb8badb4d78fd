"""Judges the entries of lock files: those that a test lacks, those that lack a test, those that are written now."""

from __future__ import annotations

import shlex
from dataclasses import replace

from pytest_celery_perf.judge.lock import MARKER, accept
from pytest_celery_perf.judge.subjects import listed
from pytest_celery_perf.model.lock import Standing, TestFacts
from pytest_celery_perf.model.verdict import Check, Status, Verdict

NOBODY = "no task"


def stands_apart(
    seen: TestFacts, standing: Standing, file: str, nodeid: str, was: str = "", *, strict: bool
) -> Verdict:
    """Judge a test of which nothing is locked under its name.

    Args:
        seen: What it did.
        standing: `NEW` or `RENAMED`.
        file: The name of the lock file.
        nodeid: The test.
        was: Of a renamed one: its name in the file.
        strict: Whether that fails.
    """
    told = f"in {file}" if standing is Standing.NEW else f"as {was} in {file}"
    check = Check(metric="facts", budget=f"locked {told}", actual=standing.value, ok=not strict)
    evidence, fix = "", f"lock what it does: {accept(nodeid)}"
    if standing is Standing.RENAMED:
        evidence = f"RENAMED: it does exactly what is locked of {was}, which is gone"
        fix = f"give the entry its new name: {accept()} {shlex.quote(nodeid.partition('::')[0])}"
    elif not strict:
        evidence = f"NEW: {file} has nothing on it, so there is nothing to compare with"
    return Verdict(
        marker=MARKER,
        task=listed(seen.tasks) or NOBODY,
        status=Status.FAIL if strict else Status.INCONCLUSIVE if standing is Standing.NEW else Status.PASS,
        checks=(check,) if strict or standing is Standing.RENAMED else (),
        evidence=(evidence,) if evidence else (),
        fix=(fix,),
    )


def removed(test: str, file: str, module: str, *, there: bool) -> Verdict:
    """Fail a lock file that knows a test which its module has not.

    Args:
        test: The name of the test.
        file: The name of the lock file.
        module: The path of the module, for the command that drops the entry.
        there: Whether the module is there.
    """
    check = Check(metric="facts", budget="of a test that is there", actual=Standing.REMOVED.value, ok=False)
    why = "its module has no such test that is locked" if there else f"there is no {module}"
    evidence = f"{file} has an entry for {test}, and {why}"
    fix = f"drop the entry: {accept(module)}" if there else f"name {file} as its module is named now, or delete it"
    return Verdict(marker=MARKER, task=NOBODY, status=Status.FAIL, checks=(check,), evidence=(evidence,), fix=(fix,))


def fails_again(seed: int, complaint: str) -> Verdict:
    """Refuse to lock a test that passes once, and fails when it is run again.

    Args:
        seed: The PYTHONHASHSEED of its workers.
        complaint: Why it failed.
    """
    first = complaint.strip().splitlines() or ["without a word"]
    check = Check(metric="runs", budget="that all pass", actual=f"failed with PYTHONHASHSEED={seed}", ok=False)
    return Verdict(marker=MARKER, task=NOBODY, status=Status.FAIL, checks=(check,), evidence=tuple(first))


def newly_locked(seen: TestFacts, file: str) -> Verdict:
    """Tell that a test is locked, and what of it is no number."""
    unsteady = [f"{task}: {what}: {bounds.told}" for task, what, bounds in seen.unsteady]
    evidence = [f"not the same in each run, so gated by its bounds: {each}" for each in unsteady]
    check = Check(metric="facts", budget=f"= {file}", actual=Standing.LOCKED.value, ok=True)
    return Verdict(
        marker=MARKER, task=listed(seen.tasks) or NOBODY, status=Status.PASS, checks=(check,), evidence=tuple(evidence)
    )


def other_databases(locked: str, here: str, file: str) -> Verdict:
    """Compare no queries of databases of another kind."""
    evidence = (
        f"{file} was locked on {locked}, and this run is on {here}, which is asked otherwise: nothing is compared"
    )
    return Verdict(marker=MARKER, task="any task", status=Status.INCONCLUSIVE, evidence=(evidence,))


def found_before(verdict: Verdict) -> Verdict:
    """Return a FAIL that an earlier attempt of a test had, as the verdict on a later one that does not show it."""
    told = (
        "an earlier attempt of this test did so: a rerun does not undo it, since only what each run does can be locked"
    )
    return replace(verdict, evidence=(told, *verdict.evidence))
