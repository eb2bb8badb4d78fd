"""The eight tasks. Each says how many queries it may make; ``tests/test_query_budgets.py`` holds it to that."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict
from typing import Any

from celery import shared_task
from django.db.models import Count, Q

from judge.models import Problem, ScriptGenerationJob, SearchHistory
from judge.reliability import AITask, MaintenanceTask, ReliableTask, ScriptTask
from judge.services import ai, cache, jobs, sandbox, submissions

logger = logging.getLogger(__name__)

GENERATOR_LIMITS = sandbox.Limits(seconds=30, output_bytes=16 << 20)


@shared_task(bind=True, base=ReliableTask)
def execute_code_task(  # noqa: PLR0917 - messages carry arguments by position
    self: ReliableTask,
    code: str,
    language: str,
    problem_id: int,
    user_id: int | None,
    user_identifier: str,
    is_public: bool,
) -> dict[str, int]:
    """Run a submission against every test case of its problem and keep the verdict (4 queries).

    Args:
        self: The task.
        code: The submission.
        language: Its language.
        problem_id: The problem's primary key.
        user_id: Who submitted it, if somebody is logged in.
        user_identifier: Who submitted it, in any case.
        is_public: Whether others may see it.

    Returns:
        How many cases ``passed`` and how many ``failed``.
    """
    problem = submissions.problem_with_cases("pk", pk=problem_id)
    cases = list(problem.test_cases.all())
    results = sandbox.run(code, [case.input for case in cases], language=language)
    rows = submissions.judge(cases, results)
    failed = sum(not row["passed"] for row in rows)
    history = SearchHistory(
        user_id=user_id,
        user_identifier=user_identifier,
        problem_id=problem_id,
        code=code,
        language=language,
        is_public=is_public,
        test_results=rows,
        failed_count=failed,
        task_id=self.task_id,
    )
    submissions.save(history)
    return {"passed": len(rows) - failed, "failed": failed}


@shared_task(bind=True, base=ScriptTask)
def generate_script_task(self: ScriptTask, job_id: int) -> int:
    """Let the AI service write a generator, run it and keep the test cases it prints (3 queries).

    Args:
        self: The task.
        job_id: The job's primary key.

    Returns:
        How many test cases were created: 0 if another task has the job, or had it.
    """
    job = jobs.claim(job_id, self.task_id)
    if job is None:
        logger.info("job %s is taken or done", job_id)
        return 0
    code = ai.write_generator(title=job.title, constraints=job.constraints, language=job.language)
    [printed] = sandbox.run(code, [""], language=job.language, limits=GENERATOR_LIMITS)
    if not printed.ok:
        raise sandbox.SandboxError(f"the generator failed: {printed.error}")
    return jobs.complete(job, code, [json.loads(line) for line in printed.output.splitlines()])


@shared_task(base=ReliableTask)
def generate_outputs_task(platform: str, problem_id: str) -> int:
    """Run the solution of a problem for every test case and keep its outputs (3 queries for up to 100 cases).

    Args:
        platform: Where the problem is from.
        problem_id: What it is called there.

    Returns:
        How many outputs were saved.
    """
    problem = submissions.problem_with_cases("solution_code", "language", platform=platform, problem_id=problem_id)
    cases = list(problem.test_cases.all())
    if not problem.solution_code or not cases:
        logger.info("problem %s has no solution or no test cases", problem.pk)
        return 0
    results = sandbox.run(problem.solution_code, [case.input for case in cases], language=problem.language)
    return submissions.save_outputs(cases, results)


@shared_task(base=AITask)
def extract_problem_info_task(url: str) -> dict[str, Any]:
    """Have the AI service read a problem's page, at most once an hour (2 queries; none on a hit).

    Args:
        url: The page.

    Returns:
        What it states.
    """
    info = cache.remembered_problem_info(url)
    if info is None:
        info = ai.extract_problem(url)
        stated = {"title": info.title, "constraints": info.constraints}
        Problem.objects.update_or_create(
            platform=info.platform,
            problem_id=info.problem_id,
            defaults=stated,
            create_defaults={**stated, "metadata": {"examples": info.examples}},
        )
        cache.remember_problem_info(url, info)
    return asdict(info)


@shared_task(base=AITask)
def generate_hints_task(history_id: int) -> list[str]:
    """Have the AI service explain the failed cases of a submission (1 read, 1 write; 1 read if nothing is to do).

    Args:
        history_id: The submission's primary key.

    Returns:
        Its hints.
    """
    fields = ("code", "test_results", "failed_count", "hints", "problem__title")
    history = SearchHistory.objects.select_related("problem").only(*fields).get(pk=history_id)
    if history.hints or not history.failed_count:
        return list(history.hints)
    failures = [row for row in history.test_results if not row["passed"]]
    hints = ai.write_hints(title=history.problem.title, code=history.code, failures=failures)
    SearchHistory.objects.filter(pk=history_id).update(hints=hints)
    return hints


@shared_task(base=MaintenanceTask)
def delete_job_task(job_id: int) -> None:
    """Delete a generation job (1 query).

    Args:
        job_id: The job's primary key.
    """
    ScriptGenerationJob.objects.filter(pk=job_id).delete()


@shared_task(base=MaintenanceTask)
def warm_problem_cache_task() -> None:
    """Fill the cache with what pages show of problems (1 query)."""
    problems = Problem.objects.values("pk", "platform", "problem_id", "title", "language")
    cache.remember_problems({problem["pk"]: dict(problem) for problem in problems})


@shared_task(base=MaintenanceTask)
def warm_user_stats_cache_task() -> None:
    """Fill the cache with the statistics of those who submitted (1 query)."""
    counted = SearchHistory.objects.exclude(user=None).values("user_id")
    rows = counted.annotate(submissions=Count("pk"), solved=Count("pk", filter=Q(failed_count=0)))
    stats = {row["user_id"]: {"submissions": row["submissions"], "solved": row["solved"]} for row in rows}
    cache.remember_user_stats(stats)
