"""How tasks behave when something breaks, stated once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ObjectDoesNotExist

from judge.services.ai import AIRejectedError
from judge.services.jobs import give_up
from judge.services.sandbox import UnsupportedLanguageError

if TYPE_CHECKING:
    BaseTask = Task[..., Any]
else:
    BaseTask = Task  # generic for type checkers only


class ReliableTask(BaseTask):
    """A task that survives what is temporary.

    - A worker that dies gives its task back: the message is acknowledged after the work, not before.
      So a task may run twice, and every task here leaves the same database if it does.
    - A task that kills its process is tried again a second later, and given up after its last retry. Celery before 5.7
      does not know that option, and puts it back at once and for ever.
    - An error is tried again after 1, 2, 4… seconds, never later than 10 minutes, each time a random part of that,
      so that a thousand tasks that failed together do not come back together.
    - What can only fail again is not tried again.
    """

    acks_late = True
    reject_on_worker_lost = True
    retry_on_worker_lost = True
    default_retry_delay = 1
    autoretry_for = (Exception,)
    dont_autoretry_for = (ObjectDoesNotExist, UnsupportedLanguageError, AIRejectedError, SoftTimeLimitExceeded)
    max_retries = 3
    retry_backoff = True
    retry_backoff_max = 600
    retry_jitter = True
    time_limit = 1800
    soft_time_limit = 1680

    @property
    def task_id(self) -> str:
        """Id of the message that is being worked on: the same for every retry and every delivery."""
        return str(self.request.id)


class AITask(ReliableTask):
    """A task that waits for the AI service: it outlasts an outage of half an hour."""

    max_retries = 12


class ScriptTask(AITask):
    """A task that works on a generation job."""

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        """Say at the job that nobody works on it any more."""
        give_up(task_id)


class MaintenanceTask(ReliableTask):
    """A short task whose result nobody reads."""

    ignore_result = True
    time_limit = 60
    soft_time_limit = 50
