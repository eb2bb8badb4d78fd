"""What programs are judged by, and how the verdicts are kept."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.db.models import Prefetch

from judge.models import Problem, SearchHistory, TestCase
from judge.services.batches import BATCH_SIZE
from judge.services.expressions import JSONIncrement
from judge.services.sandbox import CaseResult

logger = logging.getLogger(__name__)

LOGGED_FAILURES = 3
"""A submission that fails a thousand cases fails them for the same reason."""


def problem_with_cases(*fields: str, **lookup: object) -> Problem:
    """Load a problem and its test cases: two queries, whatever their number.

    Args:
        fields: What is needed of the problem itself.
        lookup: What identifies the problem.

    Returns:
        The problem; the cases are in ``test_cases``.

    Raises:
        Problem.DoesNotExist: There is none.
    """
    cases = TestCase.objects.only("problem_id", "input", "output").order_by("pk")
    return Problem.objects.only(*fields).prefetch_related(Prefetch("test_cases", cases)).get(**lookup)


def judge(cases: Sequence[TestCase], results: Sequence[CaseResult]) -> list[dict[str, object]]:
    """Compare what a program printed with what it should have printed.

    Args:
        cases: The test cases.
        results: What the sandbox returned for them.

    Returns:
        A row for each case, as the history keeps it.
    """
    rows: list[dict[str, object]] = [
        {
            "test_case": case.pk,
            "passed": result.ok and result.output.split() == case.output.split(),
            "output": result.output,
            "error": result.error,
        }
        for case, result in zip(cases, results, strict=True)
    ]
    failures = [row for row in rows if not row["passed"]]
    for row in failures[:LOGGED_FAILURES]:
        logger.info("test case %s failed: %s", row["test_case"], row["error"] or "wrong output")
    if len(failures) > LOGGED_FAILURES:
        logger.info("… and %d more", len(failures) - LOGGED_FAILURES)
    return rows


def save(history: SearchHistory) -> bool:
    """Keep a submission and count it at its problem: both, and once, or neither.

    Args:
        history: A new row.

    Returns:
        False if an earlier delivery of the same message had saved it already.
    """
    try:
        with transaction.atomic():
            history.save(force_insert=True)
            Problem.objects.filter(pk=history.problem_id).update(metadata=JSONIncrement("metadata", "submissions"))
    except IntegrityError:
        if not SearchHistory.objects.filter(task_id=history.task_id).exists():
            raise
        return False
    return True


def save_outputs(cases: Sequence[TestCase], results: Sequence[CaseResult]) -> int:
    """Keep what a solution printed; a case in which it broke keeps its old output.

    Args:
        cases: The test cases.
        results: What the sandbox returned for them.

    Returns:
        How many outputs were saved.
    """
    solved = []
    for case, result in zip(cases, results, strict=True):
        if result.ok:
            case.output = result.output
            solved.append(case)
    TestCase.objects.bulk_update(solved, ["output"], batch_size=BATCH_SIZE)
    return len(solved)
