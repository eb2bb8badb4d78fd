"""Tasks that touch the outside world in every way."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from asgiref.sync import async_to_sync
from celery import chord, shared_task
from django.core.cache import cache
from django.db import transaction

from port.models import Ship


# Without a result: Celery 5.7 asks the backend whether a task of a dead child had succeeded, and does not run it again.
@shared_task(acks_late=True, reject_on_worker_lost=True, ignore_result=True)
def sail(name: str, harbour: int) -> None:
    """Touch everything once, and nothing if that has been done."""
    if Ship.objects.filter(name=f"{name}!").exists():
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


@shared_task(acks_late=True, reject_on_worker_lost=True)
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


@shared_task(acks_late=True, reject_on_worker_lost=True)
def load(name: str) -> None:
    """Add something once two others have ended."""
    chord([stow.s(name), stow.s(name)])(christen.si(name))


@shared_task(acks_late=True, reject_on_worker_lost=True)
def stow(name: str) -> None:
    """Touch nothing."""


@shared_task(acks_late=True, reject_on_worker_lost=True)
def christen(name: str) -> None:
    """Add something once."""
    Ship.objects.get_or_create(name=name)


@shared_task(acks_late=True)
def drift(name: str, harbour: int) -> None:
    """Touch from a coroutine."""
    async_to_sync(_drift)(name, harbour)


async def _drift(name: str, harbour: int) -> None:
    await Ship.objects.acreate(name=name)
    await cache.aset(name, 1)
    _, writer = await asyncio.open_connection("localhost", harbour)
    writer.close()


@shared_task(acks_late=True)
def race(name: str) -> None:
    """Touch from threads."""
    with ThreadPoolExecutor(2) as crew:
        list(crew.map(_enter, [name] * 6))


def _enter(name: str) -> None:
    cache.set(name, 1)
