"""What waits: for services, mail servers and the database; a greenlet each, a hundred in one process.

No transaction here is open while a task waits for anything but the database: the others could not write meanwhile.
"""

from __future__ import annotations

from celery import shared_task
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from exams.models import Attempt, Candidate, Exam, Question
from exams.reliability import ExamTask
from exams.services import mail, marking, results
from exams.services.remote import ask


class ConnectionsAreDownError(ConnectionError):
    """What the platform needs does not answer."""


@shared_task(base=ExamTask)
def run_code_task(answer_id: int) -> None:
    """Have the external judge run an answer (1 read, 1 write).

    Args:
        answer_id: Primary key.
    """
    marking.run_code(answer_id)


@shared_task(base=ExamTask)
def evaluate_exam_task(exam_id: int, mode: str) -> None:
    """Have the answers of an exam marked that nobody has marked, in batches of their own (1 read).

    Args:
        exam_id: Primary key.
        mode: ``online``, ``web`` or ``offline``.
    """
    for keys in marking.unmarked(exam_id):
        evaluate_batch_task.delay(keys, mode)


@shared_task(base=ExamTask)
def evaluate_batch_task(answer_ids: list[int], mode: str) -> None:
    """Have the AI service mark answers (1 read, 1 write).

    Args:
        answer_ids: Primary keys.
        mode: ``online``, ``web`` or ``offline``.
    """
    marking.evaluate(answer_ids, mode)


@shared_task(base=ExamTask)
def examine_task(attempt_id: int) -> None:
    """Have the external examiner score an attempt (1 read, 1 write).

    Args:
        attempt_id: Primary key.
    """
    marking.examine(attempt_id)


@shared_task(base=ExamTask)
def bulk_update_marks_task(exam_id: int, marks: list[tuple[int, float]]) -> None:
    """Keep the marks that examiners entered, and add them up (1 write for each hundred, and 1).

    Args:
        exam_id: Primary key.
        marks: (primary key of the answer, its marks).
    """
    marking.save_marks(dict(marks))
    marking.score(exam_id)


@shared_task(base=ExamTask)
def generate_questions_task(exam_id: int, topic: str, count: int) -> None:
    """Have the AI service write the questions of an exam that has none (1 read, 1 write).

    Args:
        exam_id: Primary key.
        topic: What they are about.
        count: How many.
    """
    if Question.objects.filter(exam_id=exam_id).exists():
        return
    texts = ask("/ai/questions", {"topic": topic, "count": count})["questions"]
    questions = [Question(exam_id=exam_id, position=n, text=text) for n, text in enumerate(texts, 1)]
    Question.objects.bulk_create(questions, ignore_conflicts=True)


@shared_task(base=ExamTask)
def extract_topics_task(question_id: int) -> None:
    """Have the AI service extract the topics of a question (1 read, 1 write).

    Args:
        question_id: Primary key.
    """
    text = Question.objects.values_list("text", flat=True).get(pk=question_id)
    Question.objects.filter(pk=question_id).update(topics=ask("/ai/topics", {"text": text})["topics"])


@shared_task(base=ExamTask)
def index_questions_task(exam_id: int) -> None:
    """Give the questions of an exam to the search engine, in one request (1 read).

    Args:
        exam_id: Primary key.
    """
    documents = [*Question.objects.filter(exam_id=exam_id).order_by("pk").values("pk", "text", "topics")]
    ask("/search/index", {"documents": documents})


@shared_task(base=ExamTask)
def send_password_reset_task(candidate_id: int) -> None:
    """Send a candidate the link to a new password (1 read).

    Args:
        candidate_id: Primary key.
    """
    name, email = Candidate.objects.values_list("name", "email").get(pk=candidate_id)
    mail.send([(email, "Your password", f"{name}, choose a new password: https://exams.example.org/reset")])


@shared_task(base=ExamTask)
def send_invitations_task(exam_id: int) -> None:
    """Invite those who are registered for an exam, over one connection (2 reads).

    Args:
        exam_id: Primary key.
    """
    title = Exam.objects.values_list("title", flat=True).get(pk=exam_id)
    invited = Candidate.objects.filter(attempts__exam_id=exam_id).order_by("pk").values_list("name", "email")
    mail.send((email, title, f"{name}, you are registered for {title}.") for name, email in invited)


@shared_task(base=ExamTask)
def refresh_results_task() -> None:
    """Compute the results of all exams again."""
    results.refresh()


@shared_task(base=ExamTask)
def submit_overdue_task() -> None:
    """Submit the attempts whose exam is over (1 write)."""
    over = Exam.objects.filter(ends_at__lte=timezone.now())
    Attempt.objects.filter(exam__in=over, status=Attempt.Status.RUNNING).update(status=Attempt.Status.SUBMITTED)


@shared_task(base=ExamTask)
def migrate_schema_task() -> None:
    """Bring the schema up to date: nothing is done where it is."""
    call_command("migrate", "exams", interactive=False, verbosity=0)


@shared_task(base=ExamTask)
def clean_cache_task(exam_id: int) -> None:
    """Forget what pages show of an exam and its questions (1 read).

    Args:
        exam_id: Primary key.
    """
    questions = Question.objects.filter(exam_id=exam_id).values_list("pk", flat=True)
    cache.delete_many([f"exam:{exam_id}", *(f"question:{pk}" for pk in questions)])


@shared_task(base=ExamTask)
def check_connections_task() -> None:
    """Fail if the database or the cache does not answer.

    Raises:
        ConnectionsAreDownError: One of them.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    cache.set("health", "well", 60)
    if cache.get("health") != "well":
        raise ConnectionsAreDownError("the cache forgets")
