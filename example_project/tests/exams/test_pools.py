"""What waits, waits side by side: in greenlets instead of processes. What computes is not held up by it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from claims.recording import Measured
from deployments import CPU_WORKER, IO_WORKER, ONE_POOL, io_worker
from exams.models import Document, Exam, Question
from exams.tasks import cpu, io
from fakes.exam_services import ExamServices
from pytest_celery_perf import CeleryFaults, CeleryPerf

pytestmark = pytest.mark.slow

GREENLETS = 200
PROCESSES = 8


@pytest.fixture
def question(make_exam: Callable[..., Exam]) -> Question:
    """Return a question of an exam with 30 candidates."""
    return Question.objects.get(exam=make_exam(candidates=30, questions=1), position=1)


@pytest.mark.claim("C.at-once", "C.completion", "C.failure-rate")
@io_worker(greenlets=GREENLETS)
@pytest.mark.celery_reliable
def test_two_hundred_wait_at_once(
    celery_perf: CeleryPerf, question: Question, exam_services: ExamServices, measured: Measured
) -> None:
    """One worker of 200 greenlets asks the AI service 200 questions at the same time, and all are answered."""
    exam_services.hold()
    for _ in range(GREENLETS):
        io.extract_topics_task.delay(question.pk)
    exam_services.wait_for(GREENLETS)
    exam_services.release()

    run = celery_perf.wait()
    assert (run.succeeded, run.retried) == (GREENLETS, 0)
    measured("C.at-once", f"{exam_services.most_at_once} at once in one process of greenlets")
    measured("C.completion", f"{run.succeeded / run.tasks:.0%} of {run.tasks}")
    measured("C.failure-rate", f"{run.failed} of {run.tasks} failed, {run.retried} were retried")


@pytest.mark.claim("C.at-once")
@ONE_POOL
def test_before_eight_waited_at_once(
    celery_perf: CeleryPerf, question: Question, exam_services: ExamServices, measured: Measured
) -> None:
    """Eight processes are eight questions, however many tasks there are; then nothing computes either."""
    exam_services.hold()
    for _ in range(3 * PROCESSES):
        io.extract_topics_task.delay(question.pk)
    exam_services.wait_for(PROCESSES)
    cpu.create_order_copy_task.delay(question.exam_id)
    assert not Document.objects.exists()
    exam_services.release()

    assert celery_perf.wait().succeeded == 3 * PROCESSES + 1
    assert exam_services.most_at_once == PROCESSES
    measured("C.at-once", f"{exam_services.most_at_once} at once in eight processes")


@pytest.mark.claim("C.undisturbed")
@CPU_WORKER
@IO_WORKER
@pytest.mark.celery_reliable
def test_what_computes_is_not_held_up(
    celery_perf: CeleryPerf, celery_faults: CeleryFaults, question: Question, exam_services: ExamServices
) -> None:
    """While each of the hundred greenlets waits, and as many tasks wait for them, documents are made."""
    exam_services.hold()
    for _ in range(GREENLETS):
        io.extract_topics_task.delay(question.pk)
    exam_services.wait_for(GREENLETS // 2)
    cpu.create_order_copy_task.delay(question.exam_id)
    cpu.summary_statistics_task.delay(question.exam_id)
    celery_faults.when("ended", cpu.create_order_copy_task)
    celery_faults.when("ended", cpu.summary_statistics_task)
    exam_services.release()

    assert celery_perf.wait().succeeded == GREENLETS + 2


@pytest.mark.claim("C.scale-down")
@io_worker("io1", greenlets=20, prefetch=1)
@io_worker("io2", greenlets=20, prefetch=1)
@pytest.mark.celery_reliable(max_executions=2)
def test_scaling_down_loses_nothing(
    celery_perf: CeleryPerf, celery_faults: CeleryFaults, question: Question, exam_services: ExamServices
) -> None:
    """One of two workers is told to end while it has twenty tasks: those and all that wait are done."""
    exam_services.hold()
    for _ in range(60):
        io.extract_topics_task.delay(question.pk)
    exam_services.wait_for(40)
    celery_faults.terminate("io1", restart=False)
    exam_services.release()

    assert celery_perf.wait().succeeded == 60
