"""Ways to pay an order, some of which pay it twice."""

from __future__ import annotations

import socket
import subprocess

from celery import Task, shared_task
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from bank.models import Account, Order, Receipt


def _debit(order: Order) -> None:
    Account.objects.filter(pk=order.account_id).update(balance=F("balance") - order.amount)


@shared_task(acks_late=True)
def pay(order: int) -> bool:
    """Claim the order in one step, and pay it in the same transaction."""
    with transaction.atomic():
        if not Order.objects.filter(pk=order, state="new").update(state="paid"):
            return False
        _debit(Order.objects.get(pk=order))
    return True


@shared_task
def pay_early(order: int) -> bool:
    """Do the same, acknowledged early."""
    return bool(pay(order))


@shared_task
def pay_blindly(order: int) -> None:
    """Look at nothing."""
    _debit(Order.objects.get(pk=order))


@shared_task
def pay_unclaimed(order: int) -> None:
    """Look first, but let others look meanwhile."""
    found = Order.objects.get(pk=order)
    if found.state == "new":
        _debit(found)
        Order.objects.filter(pk=order).update(state="paid")


@shared_task
def pay_after_thought(order: int) -> None:
    """Look first, be busy elsewhere for longer than others wait for a lock, and claim it then."""
    Order.objects.get(pk=order)
    subprocess.run(["sleep", "0.8"], check=True)
    if Order.objects.filter(pk=order, state="new").update(state="paid"):
        _debit(Order.objects.get(pk=order))


@shared_task
def confirm(order: int) -> None:
    """Rely on a unique key, and fail at it."""
    Receipt.objects.create(order_id=order, written=timezone.now())


@shared_task(bind=True, max_retries=3, default_retry_delay=60)
def pay_in_turn(self: Task, order: int) -> None:
    """Come again later if somebody else pays."""
    if Order.objects.filter(pk=order, state="paid").exists():
        return
    if not Order.objects.filter(pk=order, state="new").update(state="paying"):
        raise self.retry()
    _debit(Order.objects.get(pk=order))
    Order.objects.filter(pk=order).update(state="paid")


@shared_task
def pay_and_tell(order: int, port: int) -> None:
    """Pay once, but tell somebody each time."""
    if Order.objects.filter(pk=order, state="new").update(state="paid"):
        _debit(Order.objects.get(pk=order))
    socket.create_connection(("localhost", port), timeout=5).close()


@shared_task
def greet(owner: str) -> None:
    """Find somebody, or note them, with nothing that keeps two from noting them."""
    Account.objects.get_or_create(owner=owner)
