"""How the tasks behave when something breaks, stated once for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ObjectDoesNotExist

from exams.services.documents import UnreadableDocumentError
from exams.services.remote import ServiceRejectedError

if TYPE_CHECKING:
    BaseTask = Task[..., Any]
else:
    BaseTask = Task  # generic for type checkers only


class ExamTask(BaseTask):
    """A task that survives what is temporary, on whichever pool it runs."""

    acks_late = True
    reject_on_worker_lost = True
    retry_on_worker_lost = True
    default_retry_delay = 1
    ignore_result = True
    autoretry_for = (Exception,)
    dont_autoretry_for = (ObjectDoesNotExist, ServiceRejectedError, UnreadableDocumentError, SoftTimeLimitExceeded)
    max_retries = 5
    retry_backoff = True
    retry_backoff_max = 600
    retry_jitter = True
    time_limit = 1800
    soft_time_limit = 1680
