"""Markers of queries, on tasks that use SQLAlchemy."""

from __future__ import annotations

import pytest
from ledger import insist, look_up_both, one_by_one, together


@pytest.mark.celery_queries(max=2, no_n_plus_one=True)
def test_together():
    together.delay()


@pytest.mark.celery_queries(max=2, no_n_plus_one=True)
def test_one_by_one():
    one_by_one.delay()


@pytest.mark.celery_queries(using={"archive": 1})
def test_using():
    look_up_both.delay()


@pytest.mark.celery_queries(exact=3)
@pytest.mark.celery_recovery(kill="child", at="query:2")
def test_a_fault_at_a_query():
    insist.delay()
