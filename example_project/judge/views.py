"""The one page of this example: a submission is accepted and judged later."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_POST

from judge.tasks import execute_code_task


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
