"""Each task does what it is for, on the worker that it is for: those that compute and those that wait."""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean

import pytest
from django.core.cache import cache

from deployments import EXAMS
from exams.models import Answer, Attempt, Candidate, Document, Exam, ExamResult, Question, Upload
from exams.tasks import cpu, io
from fakes.exam_services import ExamServices
from fakes.mail_server import MailServer
from pytest_celery_perf import CeleryPerf

pytestmark = [*EXAMS]

MakeExam = Callable[..., Exam]


def test_a_table_of_candidates(celery_perf: CeleryPerf, make_table: Callable[[int], Upload]) -> None:
    """Data frames: each candidate is there once, registered, with what the last line of the table says."""
    upload = make_table(1200)

    celery_perf.run(cpu.bulk_upload_task, args=(upload.pk,))
    celery_perf.run(cpu.bulk_upload_task, args=(upload.pk,))

    assert (Candidate.objects.count(), upload.exam.attempts.count()) == (1200, 1200)
    assert Candidate.objects.values_list("name", "email").get(roll="ROLL0") == ("Renamed", "c0@example.org")


def test_documents(celery_perf: CeleryPerf, make_exam: MakeExam) -> None:
    """PDF: a question paper, an order copy that is made once, and its next revision."""
    exam = make_exam(candidates=30, questions=40)

    for task in (cpu.question_paper_task, cpu.create_order_copy_task, cpu.create_order_copy_task):
        celery_perf.run(task, args=(exam.pk,))
    celery_perf.run(cpu.update_order_copy_task, args=(exam.pk,))

    assert {document.kind: document.revision for document in exam.documents.all()} == {
        Document.Kind.QUESTION_PAPER: 1,
        Document.Kind.ORDER_COPY: 2,
    }
    assert {bytes(document.content)[:5] for document in exam.documents.all()} == {b"%PDF-"}


def test_statistics(celery_perf: CeleryPerf, make_exam: MakeExam) -> None:
    """Statistics: of each question."""
    exam = make_exam(candidates=11, questions=3, marked=True)

    celery_perf.run(cpu.summary_statistics_task, args=(exam.pk,))

    exam.refresh_from_db()
    assert {position: row["mean"] for position, row in exam.statistics.items()} == dict.fromkeys(
        "123", fmean(range(11))
    )


def test_a_document_is_parsed(celery_perf: CeleryPerf, make_paper: Callable[[int], Upload]) -> None:
    """Document parsing: each paragraph is a question."""
    upload = make_paper(30)

    celery_perf.run(cpu.parse_document_task, args=(upload.pk,))

    questions = Question.objects.filter(exam=upload.exam).order_by("position")
    assert [question.text for question in questions] == [f"Question {n}?" for n in range(30)]


def test_what_is_no_document_is_not_tried_again(celery_perf: CeleryPerf, make_table: Callable[[int], Upload]) -> None:
    """Document parsing: a table is none."""
    run = celery_perf.run(cpu.parse_document_task, args=(make_table(1).pk,))

    assert (run.failed, run.retried) == (1, 0)


def test_programs_are_run_by_the_judge(
    celery_perf: CeleryPerf, make_exam: MakeExam, exam_services: ExamServices
) -> None:
    """HTTP judge: a program that prints gets all marks."""
    make_exam(candidates=1, questions=2)
    for answer in Answer.objects.all():
        io.run_code_task.delay(answer.pk)
    celery_perf.wait()

    assert [*Answer.objects.order_by("question__position").values_list("marks", flat=True)] == [10, 0]


@pytest.mark.parametrize("mode", ["online", "web", "offline"])
def test_answers_are_evaluated_in_batches(
    mode: str, celery_perf: CeleryPerf, make_exam: MakeExam, exam_services: ExamServices
) -> None:
    """AI evaluation: twenty answers a call, then the examiners' marks, the sums, and an external score."""
    exam = make_exam(candidates=15, questions=3)
    run = celery_perf.run(io.evaluate_exam_task, args=(exam.pk, mode))

    assert (run.tasks, exam_services.calls) == (4, {"/ai/evaluate": 3})
    assert not Answer.objects.filter(marks=None).exists()

    first = Answer.objects.order_by("pk").values_list("pk", flat=True)[:3]
    celery_perf.run(io.bulk_update_marks_task, args=(exam.pk, [(pk, 8) for pk in first]))
    attempt = Attempt.objects.order_by("pk")[0]
    assert attempt.score == 24
    Attempt.objects.update(score=None)
    celery_perf.run(io.examine_task, args=(attempt.pk,))
    attempt.refresh_from_db()
    assert attempt.score == 24


def test_questions_are_generated_extracted_and_indexed(
    celery_perf: CeleryPerf, make_exam: MakeExam, exam_services: ExamServices
) -> None:
    """Question generation, extraction, search indexing."""
    exam = make_exam()

    celery_perf.run(io.generate_questions_task, args=(exam.pk, "Polynomials", 5), times=2)
    question = Question.objects.get(exam=exam, position=1)
    celery_perf.run(io.extract_topics_task, args=(question.pk,))
    celery_perf.run(io.index_questions_task, args=(exam.pk,))

    question.refresh_from_db()
    assert (exam.questions.count(), question.topics) == (5, ["polynomials:", "question"])
    assert exam_services.calls["/search/index"] == 1


def test_mail_is_sent(celery_perf: CeleryPerf, make_exam: MakeExam, mail: MailServer) -> None:
    """SMTP mail: a password, and 30 invitations over one connection."""
    exam = make_exam(candidates=30)
    celery_perf.run(io.send_password_reset_task, args=(Candidate.objects.earliest("pk").pk,))
    celery_perf.run(io.send_invitations_task, args=(exam.pk,))

    assert (len(mail.messages), mail.connections) == (31, 2)
    assert [message["To"] for message in mail.messages[1:]] == [f"c{n}@example.org" for n in range(30)]


def test_overdue_attempts_are_submitted_and_count(celery_perf: CeleryPerf, make_exam: MakeExam) -> None:
    """Auto-submit of exams, view refresh."""
    over, running = make_exam(candidates=3, over=True), make_exam(candidates=2)
    Attempt.objects.update(score=7)

    celery_perf.run(io.submit_overdue_task)
    celery_perf.run(io.refresh_results_task)

    results = ExamResult.objects.filter(exam__in=[over, running]).values_list("exam", "attempts", "best")
    assert [*results] == [(over.pk, 3, 7.0)]


def test_the_house_is_kept(celery_perf: CeleryPerf, make_exam: MakeExam) -> None:
    """Schema migration, cache clean-up, connection health checks."""
    exam = make_exam(questions=2)
    cache.set(f"exam:{exam.pk}", "known", 60)

    celery_perf.run(io.clean_cache_task, args=(exam.pk,))
    celery_perf.run(io.migrate_schema_task)
    run = celery_perf.run(io.check_connections_task)

    assert cache.get(f"exam:{exam.pk}") is None
    assert run.succeeded == 1
