"""How fast the platform's queues are worked off, and that a full one does not keep others waiting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from resource import getpagesize

import pytest

from claims.recording import Measured
from deployments import CPU_WORKER, IO_WORKER, ONE_POOL, io_worker
from exams.models import Exam, Question
from exams.tasks import cpu, io
from fakes.exam_services import ExamServices
from pytest_celery_perf import CeleryPerf

pytestmark = pytest.mark.slow

MIB = 1 << 20


@pytest.fixture
def question(make_exam: Callable[..., Exam]) -> Question:
    """Return a question of an exam with 30 candidates."""
    return Question.objects.get(exam=make_exam(candidates=30, questions=1), position=1)


@pytest.mark.claim("C.completion")
@IO_WORKER
@pytest.mark.celery_throughput(drain="10s", concurrency=10)
@pytest.mark.celery_share(within="12s", min="95%")
def test_forty_questions(question: Question, exam_services: ExamServices) -> None:
    """Each waits a second for the AI service: one after the other they would take forty."""
    exam_services.delay_s = 1.0
    for _ in range(40):
        io.extract_topics_task.delay(question.pk)


@pytest.mark.claim("C.undisturbed")
@CPU_WORKER
@IO_WORKER
@pytest.mark.celery_isolation(flood=io.extract_topics_task, victim=cpu.create_order_copy_task)
def test_a_full_queue_of_what_waits(question: Question, exam_services: ExamServices) -> None:
    """Documents do not wait behind the questions to the AI service that each of the hundred greenlets has."""
    _flood(question, exam_services, slots=100)


@pytest.mark.xfail(reason="the same processes do both", raises=pytest.fail.Exception)
@ONE_POOL
@pytest.mark.celery_isolation(flood=io.extract_topics_task, victim=cpu.create_order_copy_task)
def test_before_they_waited_for_it(question: Question, exam_services: ExamServices) -> None:
    """As the platform was: eight processes for everything."""
    _flood(question, exam_services, slots=8)


def _flood(question: Question, exam_services: ExamServices, slots: int) -> None:
    exam_services.hold()
    for _ in range(slots + 50):
        io.extract_topics_task.delay(question.pk)
    exam_services.wait_for(slots)
    for _ in range(3):
        cpu.create_order_copy_task.delay(question.exam_id)
    exam_services.release()


@pytest.mark.claim("C.drain", "C.throughput", "C.memory")
@ONE_POOL
@io_worker(greenlets=200)
def test_greenlets_beside_processes(
    celery_perf: CeleryPerf, question: Question, exam_services: ExamServices, measured: Measured
) -> None:
    """The AI service takes three seconds: 24 questions to it from eight processes, 400 from 200 greenlets."""
    exam_services.delay_s = 3.0
    in_processes = io.extract_topics_task.s(question.pk).set(queue="cpu_intensive")

    before = celery_perf.run(in_processes, times=24).throughput or 0.0
    after = celery_perf.run(io.extract_topics_task, args=(question.pk,), times=400).throughput or 0.0

    resident = int(Path(f"/proc/{celery_perf.workers[1].pid}/statm").read_text().split()[1]) * getpagesize() / MIB
    measured("C.drain", f"{after / before:.1f} times faster", holds=after / before >= 3)
    measured("C.throughput", f"{before * 60:.0f} → {after * 60:.0f} a minute", holds=after * 60 >= 200)
    measured("C.memory", f"{resident:.0f} MiB after 400 tasks, 200 at once", holds=1024 <= resident <= 3072)
    assert after > 3 * before
