"""What computes: a process each, as many as there are cores."""

from __future__ import annotations

from celery import shared_task
from django.db import transaction
from django.db.models import F

from exams.models import Attempt, Candidate, Document, Exam, Question, Upload
from exams.reliability import ExamTask
from exams.services import documents, summary

ROWS_A_WRITE = 500


@shared_task(base=ExamTask)
def bulk_upload_task(upload_id: int) -> None:
    """Register the candidates of an uploaded table for an exam; those who are registered stay so.

    Args:
        upload_id: Primary key of the table, in CSV.
    """
    from exams.services import frames

    upload = Upload.objects.get(pk=upload_id)
    made = frames.candidates(bytes(upload.content))
    rolls = [candidate.roll for candidate in made]
    with transaction.atomic():
        Candidate.objects.bulk_create(
            made,
            batch_size=ROWS_A_WRITE,
            update_conflicts=True,
            unique_fields=["roll"],
            update_fields=["name", "email"],
        )
        keys = Candidate.objects.filter(roll__in=rolls).values_list("pk", flat=True)
        attempts = [Attempt(exam_id=upload.exam_id, candidate_id=key) for key in keys]
        Attempt.objects.bulk_create(attempts, batch_size=ROWS_A_WRITE, ignore_conflicts=True)


@shared_task(base=ExamTask)
def question_paper_task(exam_id: int) -> None:
    """Make the question paper of an exam.

    Args:
        exam_id: Primary key.
    """
    from exams.services import pdf

    exam = Exam.objects.prefetch_related("questions").get(pk=exam_id)
    questions = sorted(exam.questions.all(), key=lambda question: question.position)
    lines = [f"{question.position}. {question.text} ({question.worth} marks)" for question in questions]
    _keep(exam_id, Document.Kind.QUESTION_PAPER, pdf.document(exam.title, lines))


@shared_task(base=ExamTask)
def create_order_copy_task(exam_id: int) -> None:
    """Make the copy of the order by which an exam is held, unless there is one.

    Args:
        exam_id: Primary key.
    """
    if not Document.objects.filter(exam_id=exam_id, kind=Document.Kind.ORDER_COPY).exists():
        _keep(exam_id, Document.Kind.ORDER_COPY, _order_copy(exam_id))


@shared_task(base=ExamTask)
def update_order_copy_task(exam_id: int) -> None:
    """Make the copy of the order again, as the next revision.

    Args:
        exam_id: Primary key.
    """
    _keep(exam_id, Document.Kind.ORDER_COPY, _order_copy(exam_id))


@shared_task(base=ExamTask)
def summary_statistics_task(exam_id: int) -> None:
    """Compute the statistics of an exam.

    Args:
        exam_id: Primary key.
    """
    Exam.objects.filter(pk=exam_id).update(statistics=summary.of_exam(exam_id))


@shared_task(base=ExamTask)
def parse_document_task(upload_id: int) -> None:
    """Turn the paragraphs of an uploaded document into the questions of its exam, in place of those it had.

    Args:
        upload_id: Primary key of the document, a .docx.
    """
    upload = Upload.objects.get(pk=upload_id)
    texts = documents.paragraphs(bytes(upload.content))
    questions = [Question(exam_id=upload.exam_id, position=n, text=text) for n, text in enumerate(texts, 1)]
    with transaction.atomic():
        Question.objects.filter(exam_id=upload.exam_id).delete()
        Question.objects.bulk_create(questions, batch_size=ROWS_A_WRITE)


def _order_copy(exam_id: int) -> bytes:
    from exams.services import pdf

    exam = Exam.objects.only("title", "ends_at").get(pk=exam_id)
    seats = Attempt.objects.filter(exam_id=exam_id).order_by("candidate__roll")
    lines = (f"{roll}  {name}" for roll, name in seats.values_list("candidate__roll", "candidate__name"))
    return pdf.document(f"Order: {exam.title}, until {exam.ends_at:%Y-%m-%d %H:%M}", lines)


def _keep(exam_id: int, kind: str, content: bytes) -> None:
    """Keep a document; where there is one already, as its next revision."""
    there = Document.objects.filter(exam_id=exam_id, kind=kind)
    if not there.update(content=content, revision=F("revision") + 1):
        Document.objects.bulk_create([Document(exam_id=exam_id, kind=kind, content=content)], ignore_conflicts=True)
