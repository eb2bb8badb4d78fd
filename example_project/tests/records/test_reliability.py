"""A record is processed, whatever breaks; within limits that Redis can live with."""

from __future__ import annotations

import pytest

from deployments import RECORDS, RECORDS_QUEUES
from fakes.mail_server import MailServer
from pytest_celery_perf import CeleryPerf
from records.models import Record
from records.tasks.reports import generate_pdf

pytestmark = pytest.mark.slow


@pytest.mark.claim("E.crashes")
@RECORDS
@pytest.mark.celery_recovery(task=generate_pdf, kill="child", at="started", max_executions=2)
def test_a_killed_process(record: Record) -> None:
    """Another one makes the report."""
    generate_pdf.delay(record.pk)


@pytest.mark.claim("E.crashes")
@RECORDS
@pytest.mark.celery_recovery(task=generate_pdf, kill="worker", at="query:2", max_executions=2)
def test_a_killed_worker(celery_perf: CeleryPerf, record: Record) -> None:
    """Its successor makes the report."""
    celery_perf.run(generate_pdf, args=(record.pk,))

    record.refresh_from_db()
    assert bytes(record.report).startswith(b"%PDF-")


@pytest.mark.celery_worker(name="registry", queues=RECORDS_QUEUES, concurrency=2)
@pytest.mark.celery_drill("long_task")
def test_a_task_that_takes_long(record: Record) -> None:
    """It ends, one way or the other, before Redis delivers it again."""
    generate_pdf.delay(record.pk)


@pytest.mark.claim("E.limits")
@pytest.mark.celery_worker(
    name="registry",
    queues=RECORDS_QUEUES,
    concurrency=2,
    env={"RECORDS_TIME_LIMIT_S": "3600", "RECORDS_SOFT_TIME_LIMIT_S": "3300"},
)
@pytest.mark.xfail(reason="an hour is also the visibility timeout", raises=pytest.fail.Exception)
@pytest.mark.celery_drill("long_task")
def test_the_limits_as_written_up(celery_perf: CeleryPerf, record: Record, mail: MailServer) -> None:
    """3600 s hard and 3300 s soft, given through the environment."""
    generate_pdf.delay(record.pk)
