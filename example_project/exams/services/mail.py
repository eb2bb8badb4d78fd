"""Sends mail, over one connection for all messages of a call."""

from __future__ import annotations

from collections.abc import Iterable
from smtplib import SMTPException

from django.core.mail import EmailMessage, get_connection

SENDER = "exams@example.org"


class MailNotAcceptedError(ConnectionError):
    """The mail server cannot be reached, or does not accept mail now: try again later."""


def send(messages: Iterable[tuple[str, str, str]]) -> int:
    """Send messages.

    Args:
        messages: (address, subject, text).

    Returns:
        How many were accepted.

    Raises:
        MailNotAcceptedError: Not all of them; those before the first refusal have gone out.
    """
    made = [EmailMessage(subject, text, SENDER, [address]) for address, subject, text in messages]
    # By its name, since Django's test runner replaces the default one.
    backend = get_connection("django.core.mail.backends.smtp.EmailBackend")
    try:
        return int(backend.send_messages(made) or 0)
    except (OSError, SMTPException) as error:
        raise MailNotAcceptedError(repr(error)) from error
