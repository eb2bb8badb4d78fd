"""Sends mail."""

from __future__ import annotations

from smtplib import SMTPException

from celery import shared_task
from django.core.mail import EmailMessage, get_connection

from records.models import Record
from records.reliability import RecordTask

SENDER = "registry@example.org"


@shared_task(base=RecordTask)
def send_confirmation(record_id: int) -> None:
    """Confirm to whoever filed a record that it is there (1 query).

    Args:
        record_id: Primary key.

    Raises:
        ConnectionError: The mail server does not accept it now.
    """
    record = Record.objects.only("reference", "filed_by").get(pk=record_id)
    text = f"Your record {record.reference} is filed."
    # By its name, since Django's test runner replaces the default one.
    backend = get_connection("django.core.mail.backends.smtp.EmailBackend")
    try:
        backend.send_messages([EmailMessage("Filed", text, SENDER, [record.filed_by])])
    except SMTPException as error:
        raise ConnectionError(repr(error)) from error
