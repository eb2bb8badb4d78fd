"""Tasks that touch the outside world in every way."""

from __future__ import annotations

import socket
from contextlib import suppress

from celery import shared_task
from django.core.cache import cache
from django.db import transaction

from port.models import Ship


@shared_task(acks_late=True, reject_on_worker_lost=True)
def sail(name: str, harbour: int) -> None:
    """Touch everything once."""
    if Ship.objects.filter(name=name).exists():
        return
    with transaction.atomic():
        with transaction.atomic():
            Ship.objects.create(name=name)
        Ship.objects.filter(name=name).update(name=f"{name}!")
    cache.set(f"ship:{name}:17", 1)
    greet.delay(name)
    socket.create_connection(("localhost", harbour)).close()


@shared_task
def greet(name: str) -> None:
    """Touch nothing."""


@shared_task(acks_late=True)
def capsize(name: str) -> None:
    """Roll a transaction back, and write to another database."""
    with suppress(ZeroDivisionError), transaction.atomic():
        Ship.objects.create(name=name)
        name += str(1 / 0)
    Ship.objects.using("archive").create(name=name)


@shared_task(acks_late=True)
def enlist(name: str) -> int:
    """Count, then add: who comes twice at once counts the same twice."""
    count = Ship.objects.count()
    Ship.objects.create(name=f"{name} {count + 1}")
    return count


@shared_task(bind=True, acks_late=True, reject_on_worker_lost=True)
def insist(self, name: str) -> None:
    """Add something in the second attempt."""
    if not self.request.retries:
        raise self.retry(countdown=0)
    Ship.objects.create(name=name)
