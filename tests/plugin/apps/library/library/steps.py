"""The tasks of test_locks.py, which puts this file in the place of tasks.py, and changes it."""

from __future__ import annotations

import functools
import socket
from typing import Any

from celery import Task, shared_task
from django.core.cache import cache

from library.models import Author, Book


@shared_task
def work(port: int) -> int:
    """Do a little of everything."""
    titles = [book.title for book in Book.objects.all()]
    socket.create_connection(("127.0.0.1", port)).close()
    cache.set("titles", titles, 60)
    note.delay(len(titles))
    return Author.objects.count()


@shared_task
def note(number: int) -> None:
    """Do nothing."""


@functools.cache
def shelves() -> int:
    """Count in two queries what does not change, once for each process."""
    return Author.objects.count() + Author.objects.filter(book=None).count()


@shared_task
def remember() -> int:
    """Need one query, but the first time in a process three."""
    return Book.objects.count() + shelves()


NAMES = {"Ada", "Bea", "Cid", "Dan", "Eve", "Fay", "Gus", "Hal"}


@shared_task
def haphazard() -> None:
    """Ask once or twice, as the hash seed decides which name comes first."""
    if next(iter(NAMES)) < "Eve":
        Author.objects.exists()
    Author.objects.exists()


@shared_task(bind=True, max_retries=5)
def stubborn(self: Task[Any, Any]) -> None:
    """Succeed at the second attempt."""
    if self.request.retries < 1:
        raise self.retry(countdown=30)
