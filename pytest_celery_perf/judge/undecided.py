"""What could not be decided: a warning or a failure, as the settings say."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pytest_celery_perf.model.verdict import Check, Status, Verdict


def settled(verdicts: Iterable[Verdict], inconclusive: str) -> tuple[Verdict, ...]:
    """Have the verdicts of markers fail that could not be decided, if that is wanted.

    Args:
        verdicts: Of markers, which demand an answer. What tests are compared with (another version, lock files,
            stored runs) may lack one for good: those judges decide themselves what fails.
        inconclusive: The setting: ``warn``, or ``fail``.
    """
    return tuple(_failed(each) if inconclusive == "fail" else each for each in verdicts)


def _failed(verdict: Verdict) -> Verdict:
    if verdict.status is not Status.INCONCLUSIVE:
        return verdict
    return replace(
        verdict,
        status=Status.FAIL,
        checks=(*verdict.checks, Check(metric="answer", budget="PASS or FAIL", actual="INCONCLUSIVE", ok=False)),
        fix=(*verdict.fix, "celery_perf_inconclusive=warn lets it pass unproved"),
    )
