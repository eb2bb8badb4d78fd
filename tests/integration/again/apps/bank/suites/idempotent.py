"""``celery_idempotent`` on good and on bad code; each test is expected by name in test_idempotent.py."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from bank.models import Account, Order
from bank.tasks import (
    confirm,
    greet,
    pay,
    pay_after_thought,
    pay_and_tell,
    pay_blindly,
    pay_early,
    pay_in_turn,
    pay_unclaimed,
)
from django.db import IntegrityError

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def order() -> int:
    return int(Order.objects.create(account=Account.objects.create(owner="Ada")).pk)


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that takes connections."""
    with socket.create_server(("localhost", 0), backlog=20) as server:
        yield server.getsockname()[1]


@pytest.mark.celery_idempotent(task=pay)
def test_good(order):
    pay.delay(order)


@pytest.mark.celery_idempotent(task=pay, ids="new")
def test_good_published_twice(celery_perf, order):
    assert celery_perf.run(pay, [order]).failed == 0
    assert Account.objects.get().balance == 90


@pytest.mark.celery_idempotent(task=pay_after_thought)
def test_good_after_thought(order):
    pay_after_thought.delay(order)


@pytest.mark.celery_idempotent(task=pay_early)
def test_good_acknowledged_early(order):
    pay_early.delay(order)


@pytest.mark.celery_idempotent(task=pay_in_turn)
def test_good_with_retries(order):
    pay_in_turn.delay(order)


@pytest.mark.celery_idempotent(task=confirm, refusals=[IntegrityError], volatile=["bank_receipt.written"])
def test_good_declared_refusal(order):
    confirm.delay(order)


@pytest.mark.celery_idempotent(task=pay_unclaimed, at_once=False)
def test_good_in_sequence(order):
    pay_unclaimed.delay(order)


@pytest.mark.celery_idempotent(task=pay_unclaimed)
def test_bad_at_once(order):
    pay_unclaimed.delay(order)


@pytest.mark.celery_idempotent(task=pay_blindly, at_once=False)
def test_bad_in_sequence(order):
    pay_blindly.delay(order)


@pytest.mark.celery_idempotent(task=greet)
def test_bad_two_rows():
    greet.delay("Bob")


@pytest.mark.celery_idempotent(task=confirm)
def test_bad_refusal(order):
    confirm.delay(order)


@pytest.mark.celery_idempotent(task=pay_and_tell, outbound=1)
def test_bad_outbound(order, port):
    pay_and_tell.delay(order, port)


@pytest.mark.celery_idempotent(task=pay_unclaimed, invariant=lambda: Account.objects.get().balance == 90)
def test_bad_invariant(order):
    pay_unclaimed.delay(order)


@pytest.mark.celery_idempotent(task=pay)
def test_bad_nothing_published(order):
    pay_early.delay(order)


@pytest.mark.celery_worker(pool="threads", concurrency=2)
@pytest.mark.celery_idempotent(task=pay)
def test_good_on_threads(order):
    pay.delay(order)


@pytest.mark.celery_worker(pool="solo")
@pytest.mark.celery_idempotent(task=pay)
def test_good_on_solo(order):
    pay.delay(order)


@pytest.mark.celery_worker(pool="solo")
@pytest.mark.celery_idempotent(task=pay_unclaimed)
def test_bad_on_solo(order):
    pay_unclaimed.delay(order)
