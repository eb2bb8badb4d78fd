"""Each task of the registry does what it is for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from deployments import RECORDS
from fakes.mail_server import MailServer
from pytest_celery_perf import CeleryPerf
from records.models import Dashboard, Record
from records.tasks.analytics import update_dashboard
from records.tasks.cleanup import archive_old_records
from records.tasks.intake import process_record

pytestmark = RECORDS


@pytest.mark.celery_queries(task="records.tasks.intake.process_record", exact=1)
@pytest.mark.celery_queries(task="records.tasks.email.send_confirmation", exact=1)
@pytest.mark.celery_queries(task="records.tasks.reports.generate_pdf", exact=2)
@pytest.mark.celery_queries(task="records.tasks.analytics.update_dashboard", exact=2)
def test_a_new_record(celery_perf: CeleryPerf, record: Record, mail: MailServer) -> None:
    """It is confirmed, has a report, and is counted."""
    run = celery_perf.run(process_record, args=(record.pk,))

    record.refresh_from_db()
    assert run.succeeded == 4
    assert [message["To"] for message in mail.messages] == ["ada@example.org"]
    assert bytes(record.report).startswith(b"%PDF-")
    assert str(Dashboard.objects.get()) == "1 filed, 0 archived"


@pytest.mark.celery_queries(task=archive_old_records, exact=1)
def test_old_records_are_archived(celery_perf: CeleryPerf, make_record: Callable[..., Record]) -> None:
    """What was filed more than seven years ago, in one statement."""
    for years in (0, 6, 7, 20):
        make_record(years=years)

    celery_perf.run(archive_old_records)
    celery_perf.run(update_dashboard)

    assert str(Dashboard.objects.get()) == "2 filed, 2 archived"


@pytest.mark.celery_retries(attempts=3, backoff="exponential", jitter=True, final="succeeded")
def test_the_mail_server_is_busy(celery_perf: CeleryPerf, record: Record, mail: MailServer) -> None:
    """Tried again later."""
    mail.fail(times=2)

    celery_perf.run("records.tasks.email.send_confirmation", args=(record.pk,))

    assert len(mail.messages) == 1
