"""Counts."""

from __future__ import annotations

from celery import shared_task
from django.db.models import Count, Q

from records.models import Dashboard, Record
from records.reliability import RecordTask


@shared_task(base=RecordTask)
def update_dashboard() -> None:
    """Count the records in each state for the dashboard (1 read, 1 write)."""
    counts = Record.objects.aggregate(
        filed=Count("pk", filter=Q(state=Record.State.FILED)),
        archived=Count("pk", filter=Q(state=Record.State.ARCHIVED)),
    )
    Dashboard.objects.bulk_create(
        [Dashboard(pk=1, **counts)], update_conflicts=True, unique_fields=["id"], update_fields=[*counts]
    )
