"""Sweeps and second deliveries, wherever the environment has the tasks run; each test is expected by name."""

from __future__ import annotations

import os

import pytest
from bank.models import Account, Order
from bank.tasks import pay, pay_blindly, pay_unclaimed

WORKERS = {
    "prefork": pytest.mark.celery_worker(concurrency=1),
    "gevent": pytest.mark.celery_worker(pool="gevent", concurrency=2),
    "container": pytest.mark.celery_worker(runtime="container", image=os.environ.get("BANK_IMAGE", "none")),
}
pytestmark = [pytest.mark.django_db(transaction=True), WORKERS[os.environ["BANK_WORKER"]]]


@pytest.fixture
def order() -> int:
    return int(Order.objects.create(account=Account.objects.create(owner="Ada")).pk)


@pytest.mark.celery_crash_sweep(kill="worker", points=["commit", "acknowledgment"])
def test_good_sweep(order):
    pay.delay(order)


@pytest.mark.celery_crash_sweep(kill="worker", points=["query"], sample=1)
def test_bad_sweep(order):
    pay_blindly.delay(order)


@pytest.mark.celery_fault_sweep(points=["commit"])
def test_bad_faults(order):
    pay.delay(order)


@pytest.mark.celery_idempotent(points=["commit", "acknowledgment"])
def test_good_twice(order):
    pay.delay(order)


@pytest.mark.celery_idempotent(points=["query"])
def test_bad_twice(order):
    pay_unclaimed.delay(order)
