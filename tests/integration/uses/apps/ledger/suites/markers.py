"""Markers of queries, on tasks that use SQLAlchemy."""

from __future__ import annotations

import pytest
from ledger import deposit, deposit_stubbornly, insist, look_up_both, one_by_one, reconnect, slowly, together
from models import Entry, Session
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError


@pytest.mark.celery_queries(max=2, no_n_plus_one=True)
def test_together():
    together.delay()


@pytest.mark.celery_queries(max=2, no_n_plus_one=True)
def test_one_by_one():
    one_by_one.delay()


@pytest.mark.celery_queries(using={"archive": 1})
def test_using():
    look_up_both.delay()


@pytest.mark.celery_queries(using={"archive": 0})
def test_left_alone():
    together.delay()


@pytest.mark.celery_queries(using={"archve": 9})
def test_misspelt():
    look_up_both.delay()


@pytest.mark.celery_queries(exact=3)
@pytest.mark.celery_recovery(kill="child", at="query:2")
def test_a_fault_at_a_query():
    insist.delay()


@pytest.mark.celery_crash_sweep(points=["query", "commit"])
def test_a_crash_before_the_commit(celery_perf):
    celery_perf.run(deposit, (700,))
    with Session() as session:
        assert session.scalar(select(func.count()).where(Entry.amount == 700)) == 1


@pytest.mark.celery_fault_sweep
def test_a_database_that_is_gone(celery_perf):
    celery_perf.run(deposit_stubbornly, (800,))
    with Session() as session:
        assert session.scalar(select(func.count()).where(Entry.amount == 800)) == 1


@pytest.mark.celery_fault_sweep(errors={"query": IntegrityError("INSERT", {}, ValueError("twice"))}, points=["query"])
def test_an_error_of_ones_own():
    deposit_stubbornly.delay(900)


@pytest.mark.celery_queries(connects=2)
def test_connects():
    reconnect.delay()


@pytest.mark.celery_queries(connects=3)
def test_few_connects():
    reconnect.delay()


@pytest.mark.celery_queries(slowest="100ms")
def test_slow():
    slowly.delay()


@pytest.mark.celery_queries(slowest="1h")
def test_not_too_slow():
    slowly.delay()
