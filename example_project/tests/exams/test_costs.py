"""What the platform's tasks take: memory, CPU time, connections; and how that grows with the size of an exam."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from claims.recording import Measured
from deployments import CPU_WORKER, ONE_POOL
from exams.models import Answer, Attempt, Candidate, Exam, Question, Upload
from exams.tasks import cpu, io
from fakes.exam_services import ExamServices
from fakes.mail_server import MailServer
from pytest_celery_perf import CeleryPerf, Execution

MakeExam = Callable[..., Exam]
ONE_SLOT = pytest.mark.celery_worker(name="one", queues="data_processing,default", concurrency=1)


@ONE_SLOT
@pytest.mark.celery_memory(added="32MiB", warmup=1)
def test_other_uploads_are_not_loaded(celery_perf: CeleryPerf, make_table: Callable[[int], Upload]) -> None:
    """A bulk upload takes the memory of its own table, whatever else was uploaded. The first one imports pandas."""
    upload = make_table(100)
    Upload.objects.create(exam=upload.exam, content=bytes(64 << 20))

    celery_perf.run(cpu.bulk_upload_task, args=(upload.pk,), times=2)


@pytest.mark.celery_worker(name="one", queues="cpu_intensive", concurrency=1)
@pytest.mark.celery_memory(growth="200MiB")
def test_documents_are_not_kept(celery_perf: CeleryPerf, make_paper: Callable[..., Upload]) -> None:
    """Sixty papers of 1 MiB each leave nothing behind in the process that has read them."""
    celery_perf.run(cpu.parse_document_task, args=(make_paper(5, picture=bytes(1 << 20)).pk,), times=60, concurrency=1)


@ONE_SLOT
@pytest.mark.celery_outbound(exact=1)
def test_one_connection_for_all_mail(make_exam: MakeExam, mail: MailServer) -> None:
    """Thirty invitations."""
    io.send_invitations_task.delay(make_exam(candidates=30).pk)


@pytest.fixture
def growing_exam(celery_size: int, make_exam: MakeExam) -> Exam:
    """Return an exam with as many candidates as the run says; each has answered three questions."""
    return make_exam(candidates=celery_size, questions=3, marked=True)


@pytest.mark.parametrize("task", [cpu.summary_statistics_task, cpu.update_order_copy_task, cpu.question_paper_task])
@CPU_WORKER
@pytest.mark.celery_scaling(sizes=[4, 8, 16], max_slope=0, unit="candidate")
def test_queries_do_not_grow_with_the_candidates(task: object, growing_exam: Exam) -> None:
    """Statistics and documents."""
    task.delay(growing_exam.pk)


@CPU_WORKER
@pytest.mark.celery_cpu(calls=5000)
def test_statistics_are_computed_once(make_exam: MakeExam) -> None:
    """Of 40 candidates; by the functions that are called, which are as many on every machine."""
    cpu.summary_statistics_task.delay(make_exam(candidates=40, questions=3, marked=True).pk)


@pytest.fixture
def growing_paper(celery_size: int, make_exam: MakeExam) -> Exam:
    """Return an exam with as many questions as the run says."""
    return make_exam(questions=celery_size)


@pytest.mark.celery_worker(name="enrichment", queues="question_enrichment", concurrency=1)
@pytest.mark.celery_scaling(sizes=[2, 4, 8], max_slope=0, unit="question")
def test_questions_are_indexed_together(growing_paper: Exam, exam_services: ExamServices) -> None:
    """One read, one request."""
    io.index_questions_task.delay(growing_paper.pk)


@ONE_SLOT
@pytest.mark.celery_cpu(share="20%")
def test_waiting_costs_no_cpu(make_exam: MakeExam, exam_services: ExamServices) -> None:
    """While the judge runs a program, its task does nothing."""
    exam_services.delay_s = 0.5
    make_exam(candidates=1, questions=1)
    io.run_code_task.delay(Answer.objects.get().pk)


@pytest.mark.slow
@pytest.mark.claim("C.waiting-share")
@ONE_POOL
@pytest.mark.celery_cpu(share=1.0)
def test_most_tasks_wait(
    request: pytest.FixtureRequest, celery_perf: CeleryPerf, make_exam: MakeExam, measured: Measured
) -> None:
    """Each task once, where services take a fifth of a second: most spend most of their time elsewhere."""
    for service in ("exam_services", "mail"):
        request.getfixturevalue(service).delay_s = 0.2
    exam = make_exam(candidates=2, questions=3)
    of_exam = (
        cpu.question_paper_task,
        cpu.create_order_copy_task,
        cpu.update_order_copy_task,
        cpu.summary_statistics_task,
        io.index_questions_task,
        io.send_invitations_task,
        io.clean_cache_task,
    )
    alone = (io.refresh_results_task, io.submit_overdue_task, io.migrate_schema_task, io.check_connections_task)
    for task, *arguments in (
        *((task, exam.pk) for task in of_exam),
        *((task,) for task in alone),
        (io.evaluate_exam_task, exam.pk, "online"),
        (io.bulk_update_marks_task, exam.pk, [(Answer.objects.earliest("pk").pk, 7.0)]),
        (io.generate_questions_task, make_exam().pk, "Polynomials", 5),
        (cpu.bulk_upload_task, request.getfixturevalue("make_table")(500).pk),
        (cpu.parse_document_task, request.getfixturevalue("make_paper")(30).pk),
        (io.extract_topics_task, Question.objects.earliest("pk").pk),
        (io.run_code_task, Answer.objects.earliest("pk").pk),
        (io.examine_task, Attempt.objects.earliest("pk").pk),
        (io.send_password_reset_task, Candidate.objects.earliest("pk").pk),
    ):
        celery_perf.run(task, args=arguments)

    waiting = {each.name for each in celery_perf.history.executions if _waits(each)}
    share = len(waiting) / len(celery_perf.history.tasks)
    measured(
        "C.waiting-share",
        f"{len(waiting)} of {len(celery_perf.history.tasks)} tasks ({share:.0%}) spend most of their time waiting",
        holds=abs(share - 19 / 25) <= 0.1,
    )
    assert {task.name for task in (io.run_code_task, io.extract_topics_task, io.send_invitations_task)} <= waiting


def _waits(execution: Execution) -> bool:
    """Tell whether it had nothing to do for most of its time: it was not on a core, nor ready for one."""
    thread = execution.figures.thread
    assert thread is not None
    return thread.running_ns + (thread.ready_ns or 0) < thread.held_ns / 2
