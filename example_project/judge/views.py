"""The two pages of this example: what they accept is done later."""

from __future__ import annotations

from functools import partial

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_POST

from judge.models import Problem
from judge.services import jobs
from judge.tasks import execute_code_task, generate_script_task


@require_POST
def submit(request: HttpRequest, problem_id: int) -> JsonResponse:
    """Accept a submission (``code``, ``language``) and answer with the id of the task that judges it."""
    task = execute_code_task.delay(
        code=request.POST["code"],
        language=request.POST.get("language", "python"),
        problem_id=problem_id,
        user_id=None,
        user_identifier=request.META["REMOTE_ADDR"],
        is_public=False,
    )
    return JsonResponse({"task": task.id}, status=202)


@require_POST
@transaction.atomic
def request_script(request: HttpRequest, problem_id: int) -> JsonResponse:
    """Accept the wish for test cases and answer with the job that writes them.

    Its task is published when the job is committed: before, the worker would find no job, or one that never comes.
    """
    job = jobs.request(get_object_or_404(Problem, pk=problem_id))
    transaction.on_commit(partial(generate_script_task.delay, job.pk))
    return JsonResponse({"job": job.pk}, status=202)
