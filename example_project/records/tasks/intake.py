"""Takes records in; unrouted."""

from __future__ import annotations

from celery import shared_task

from records.models import Record
from records.reliability import RecordTask
from records.tasks.analytics import update_dashboard
from records.tasks.email import send_confirmation
from records.tasks.reports import generate_pdf


@shared_task(base=RecordTask)
def process_record(record_id: int) -> None:
    """Have everything done that a new record needs: its children are as urgent as it is.

    Args:
        record_id: Primary key.
    """
    if Record.objects.filter(pk=record_id).exists():
        send_confirmation.delay(record_id)
        generate_pdf.delay(record_id)
        update_dashboard.delay()
