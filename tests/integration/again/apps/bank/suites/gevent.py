"""``celery_idempotent`` where executions are greenlets."""

from __future__ import annotations

import pytest
from bank.models import Account, Order
from bank.tasks import pay, pay_unclaimed

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.celery_worker(pool="gevent", concurrency=2)]


@pytest.fixture
def order() -> int:
    return int(Order.objects.create(account=Account.objects.create(owner="Ada")).pk)


@pytest.mark.celery_idempotent(task=pay)
def test_good(order):
    pay.delay(order)


@pytest.mark.celery_idempotent(task=pay_unclaimed)
def test_bad(order):
    pay_unclaimed.delay(order)
