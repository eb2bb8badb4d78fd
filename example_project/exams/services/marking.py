"""Has answers marked, and keeps the marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import OuterRef, Subquery, Sum

from exams.models import Answer, Attempt
from exams.services.remote import ask

ANSWERS_A_CALL = 20
"""How many answers the AI service marks at once."""
ROWS_A_WRITE = 100


def unmarked(exam_id: int) -> list[list[int]]:
    """Return the answers of an exam that nobody has marked, in batches of primary keys: one query."""
    answers = Answer.objects.filter(attempt__exam_id=exam_id, marks=None).order_by("pk")
    keys = [*answers.values_list("pk", flat=True)]
    return [keys[start : start + ANSWERS_A_CALL] for start in range(0, len(keys), ANSWERS_A_CALL)]


def evaluate(keys: Sequence[int], mode: str) -> int:
    """Have the AI service mark answers: one read, one call, one write.

    Args:
        keys: Primary keys of the answers.
        mode: Where they were given: ``online``, ``web`` or ``offline``.

    Returns:
        How many have marks now.
    """
    answers = [*Answer.objects.filter(pk__in=keys).order_by("pk").values("pk", "text", "question__worth")]
    asked = [{"text": answer["text"], "worth": answer["question__worth"]} for answer in answers]
    marks = ask("/ai/evaluate", {"mode": mode, "answers": asked})["marks"]
    return save_marks({answer["pk"]: mark for answer, mark in zip(answers, marks, strict=True)})


def run_code(answer_id: int) -> float:
    """Have the external judge run the program that somebody answered: one read, one call, one write.

    Args:
        answer_id: Primary key.

    Returns:
        Its marks: all that the question is worth, or none.
    """
    answer = Answer.objects.values("text", "question__worth").get(pk=answer_id)
    passed = ask("/judge/run", {"code": answer["text"]})["passed"]
    marks = float(answer["question__worth"] if passed else 0)
    Answer.objects.filter(pk=answer_id).update(marks=marks)
    return marks


def save_marks(marks: Mapping[int, float]) -> int:
    """Keep marks: one statement for each hundred.

    Args:
        marks: By primary key of the answer.

    Returns:
        How many answers were there.
    """
    answers = [Answer(pk=pk, marks=mark) for pk, mark in marks.items()]
    return Answer.objects.bulk_update(answers, ["marks"], batch_size=ROWS_A_WRITE)


def score(exam_id: int) -> int:
    """Add up the marks of all attempts at an exam: one statement.

    Args:
        exam_id: Primary key.

    Returns:
        How many attempts have a score.
    """
    marks = Answer.objects.filter(attempt=OuterRef("pk")).values("attempt").annotate(total=Sum("marks"))
    return Attempt.objects.filter(exam_id=exam_id).update(score=Subquery(marks.values("total")))


def examine(attempt_id: int) -> float:
    """Have an external examiner score an attempt: one read, one call, one write.

    Args:
        attempt_id: Primary key.

    Returns:
        The score.
    """
    marks = Answer.objects.filter(attempt_id=attempt_id).exclude(marks=None).order_by("pk")
    said: dict[str, Any] = ask(
        "/examiner/score", {"attempt": attempt_id, "marks": [*marks.values_list("marks", flat=True)]}
    )
    Attempt.objects.filter(pk=attempt_id).update(score=said["score"])
    return float(said["score"])
