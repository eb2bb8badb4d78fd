"""Puts away what is old."""

from __future__ import annotations

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from records.models import Record
from records.reliability import RecordTask

YEAR = timedelta(days=365)


@shared_task(base=RecordTask)
def archive_old_records(years: int = 7) -> None:
    """Archive what was filed years ago (1 write).

    Args:
        years: How many.
    """
    old = Record.objects.filter(state=Record.State.FILED, filed_at__lt=timezone.now() - years * YEAR)
    old.update(state=Record.State.ARCHIVED)
