"""What the marks of an exam tell about its questions."""

from __future__ import annotations

import statistics
from collections import defaultdict

from exams.models import Answer

FEWEST = 2
"""A correlation needs as many."""


def of_exam(exam_id: int) -> dict[str, dict[str, float | None]]:
    """Compute the statistics of each question: one query.

    Args:
        exam_id: Primary key.

    Returns:
        By position: ``mean``, ``deviation``, and ``discrimination``, the correlation of a question's marks with the
        whole score. None where it cannot be told.
    """
    rows = Answer.objects.filter(attempt__exam_id=exam_id).exclude(marks=None)
    marks: dict[int, dict[int, float]] = defaultdict(dict)
    for position, attempt, mark in rows.values_list("question__position", "attempt_id", "marks"):
        marks[position][attempt] = mark
    scores: dict[int, float] = defaultdict(float)
    for row in marks.values():
        for attempt, mark in row.items():
            scores[attempt] += mark
    return {str(position): _summary(marks[position], scores) for position in sorted(marks)}


def _summary(marks: dict[int, float], scores: dict[int, float]) -> dict[str, float | None]:
    own, whole = [*marks.values()], [scores[attempt] for attempt in marks]
    varied = len(own) >= FEWEST and len({*own}) > 1 and len({*whole}) > 1
    return {
        "mean": statistics.fmean(own),
        "deviation": statistics.pstdev(own),
        "discrimination": statistics.correlation(own, whole) if varied else None,
    }
