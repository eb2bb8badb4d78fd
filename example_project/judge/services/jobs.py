"""Who works on a generation job: claimed by one task, finished once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection, transaction

from judge.models import Problem, ScriptGenerationJob, TestCase
from judge.services.batches import BATCH_SIZE

_CLAIM = """
UPDATE judge_scriptgenerationjob SET status = 'processing', claimed_by = %(task)s
WHERE id = (
    SELECT id FROM judge_scriptgenerationjob
    WHERE id = %(job)s AND (status = 'pending' OR (status = 'processing' AND claimed_by = %(task)s)) {lock}
)
RETURNING title, language, constraints, (
    SELECT id FROM judge_problem
    WHERE judge_problem.platform = judge_scriptgenerationjob.platform
    AND judge_problem.problem_id = judge_scriptgenerationjob.problem_id
)
"""


def request(problem: Problem) -> ScriptGenerationJob:
    """Note the wish for test cases.

    Args:
        problem: What they are for.

    Returns:
        A job that nobody has claimed.
    """
    return ScriptGenerationJob.objects.create(
        platform=problem.platform,
        problem_id=problem.problem_id,
        title=problem.title,
        language=problem.language,
        constraints=problem.constraints,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedJob:
    """What the task that claimed a job needs to know of it."""

    pk: int
    title: str
    language: str
    constraints: str
    problem_pk: int
    """The problem that the job is about."""


def claim(job_id: int, task_id: str) -> ClaimedJob | None:
    """Take a job, unless another task has it or it is done.

    One statement, since between a SELECT and an UPDATE a second task slips in; and one transaction, so that no lock
    is held while the AI service thinks. The row says *who* works on the job: the same message, delivered again after
    a crash, takes its job back. Where the database can (``SKIP LOCKED``), a task does not even wait for another one
    that is just claiming the row. Works on SQLite 3.35 or newer and on PostgreSQL.

    Args:
        job_id: Primary key.
        task_id: Id of the task that wants it.

    Returns:
        The job with what a generator needs, or None.

    Raises:
        ScriptGenerationJob.DoesNotExist: There is no such job.
        Problem.DoesNotExist: The job is about a problem that nobody has extracted; it stays claimed.
    """
    lock = "FOR UPDATE SKIP LOCKED" if connection.features.has_select_for_update_skip_locked else ""
    with connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(lock=lock), {"job": job_id, "task": task_id})
        rows = cursor.fetchall()
    if not rows:
        if not ScriptGenerationJob.objects.filter(pk=job_id).exists():
            raise ScriptGenerationJob.DoesNotExist(f"job {job_id}: it was deleted, or never committed")
        return None
    [(title, language, constraints, problem_pk)] = rows
    if problem_pk is None:
        raise Problem.DoesNotExist(f"job {job_id}: its problem is unknown")
    return ClaimedJob(pk=job_id, title=title, language=language, constraints=constraints, problem_pk=problem_pk)


def complete(job: ClaimedJob, generator_code: str, inputs: Iterable[str]) -> int:
    """Save the generator and the test cases it printed: both, and once, or neither.

    Args:
        job: A claimed job of a known problem.
        generator_code: What the AI service wrote.
        inputs: What it printed.

    Returns:
        How many test cases were created; 0 if another delivery of the same message was faster.
    """
    unfinished = ScriptGenerationJob.objects.filter(pk=job.pk, status=ScriptGenerationJob.Status.PROCESSING)
    with transaction.atomic():
        if not unfinished.update(status=ScriptGenerationJob.Status.COMPLETED, generator_code=generator_code):
            return 0
        cases = [TestCase(problem_id=job.problem_pk, input=text) for text in inputs]
        return len(TestCase.objects.bulk_create(cases, batch_size=BATCH_SIZE))


def give_up(task_id: str) -> None:
    """Mark the job of a task that failed for good."""
    jobs = ScriptGenerationJob.objects.filter(claimed_by=task_id, status=ScriptGenerationJob.Status.PROCESSING)
    jobs.update(status=ScriptGenerationJob.Status.FAILED)
