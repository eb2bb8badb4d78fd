"""How the tasks behave when something breaks; their limits come from the environment."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded
from django.core.exceptions import ObjectDoesNotExist

if TYPE_CHECKING:
    BaseTask = Task[..., Any]
else:
    BaseTask = Task  # generic for type checkers only


class RecordTask(BaseTask):
    """A task that survives what is temporary."""

    acks_late = True
    reject_on_worker_lost = True
    retry_on_worker_lost = True
    default_retry_delay = 1
    ignore_result = True
    autoretry_for = (Exception,)
    dont_autoretry_for = (ObjectDoesNotExist, SoftTimeLimitExceeded)
    max_retries = 5
    retry_backoff = True
    # Not an hour, as this system once had: that is when Redis delivers again what is not acknowledged, to a second
    # worker, though the first may still be at it.
    time_limit = int(os.environ.get("RECORDS_TIME_LIMIT_S", "3480"))
    soft_time_limit = int(os.environ.get("RECORDS_SOFT_TIME_LIMIT_S", "3300"))
