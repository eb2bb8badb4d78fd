"""Tasks that ask the database well, and badly."""

from __future__ import annotations

import functools
import socket
import time

from celery import shared_task
from django.db import OperationalError, transaction

from library.models import Author, Book


@shared_task
def one_by_one() -> list[str]:
    """Ask for the author of each book."""
    return [book.author.name for book in Book.objects.order_by("pk")]


@shared_task
def joined() -> list[str]:
    """Ask for the authors together with the books."""
    return [book.author.name for book in Book.objects.select_related("author").order_by("pk")]


@shared_task
def publish(title: str) -> None:
    """Write two rows."""
    with transaction.atomic():
        Book.objects.create(title=title, author=Author.objects.create(name="Ada"))


@shared_task
def compare() -> bool:
    """Ask both databases, the archive twice."""
    archived = Book.objects.using("archive")
    return archived.exists() or archived.count() < Book.objects.count()


@functools.cache
def shelves() -> int:
    """Count in three queries what does not change, once for each process."""
    return Author.objects.count() + Book.objects.count() + Author.objects.filter(book=None).count()


@shared_task
def remember() -> int:
    """Need one query, but the first time in a process four."""
    return Book.objects.count() + shelves()


@shared_task
def idle(seconds: float | str = 0) -> None:
    """Ask nothing."""
    time.sleep(float(seconds))


@shared_task
def in_batches(size: int) -> int:
    """Ask once for so many books together."""
    return sum(len(Book.objects.order_by("pk")[at : at + size]) for at in range(0, Book.objects.count(), size))


@shared_task
def pairs() -> int:
    """Ask once for each pair of books."""
    keys = list(Book.objects.values_list("pk", flat=True))
    return sum(Book.objects.filter(pk__in=[one, other]).exists() for one in keys for other in keys)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def enter(title: str) -> None:
    """Write what is not there yet: three queries, and safe to run twice."""
    author, _ = Author.objects.get_or_create(name=title)
    Book.objects.get_or_create(title=title, author=author)


@shared_task
def enter_unsafely(title: str) -> None:
    """Be lost in any crash."""
    Book.objects.filter(title=title).exists()


@shared_task(acks_late=True)
def enter_half_safely(title: str) -> None:
    """Be lost when only the child dies."""
    Book.objects.filter(title=title).exists()


@shared_task(acks_late=True, reject_on_worker_lost=True, autoretry_for=(OperationalError,), retry_backoff=30)
def enter_stubbornly(title: str) -> None:
    """Be tried again where the database is gone."""
    enter(title)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def enter_twice(title: str) -> None:
    """Write one thing after the other, whatever is there."""
    author = Author.objects.create(name="Ada")
    Book.objects.create(title=title, author=author)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def enter_any(titles: list[str]) -> None:
    """Ask another question for one title than for several."""
    found = Book.objects.exists() if len(titles) == 1 else Author.objects.exists()
    if not found:
        Book.objects.bulk_create(Book(title=title, author=Author.objects.create(name="Ada")) for title in titles)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def call(port: int) -> None:
    """Connect to somebody."""
    socket.create_connection(("127.0.0.1", port)).close()


@shared_task(acks_late=True, reject_on_worker_lost=True)
def sign(name: str, *, anyway: bool) -> None:
    """Write an author who is not there yet; or anyway."""
    if anyway:
        Author.objects.create(name=name)
    else:
        Author.objects.get_or_create(name=name)


@shared_task
def sign_at_once(name: str, *, anyway: bool) -> None:
    """Do the same, acknowledged early."""
    sign.run(name, anyway=anyway)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def enter_or_refuse(title: str) -> None:
    """Refuse what has no title."""
    if not title:
        raise ValueError("no title")
    enter.run(title)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def enter_carelessly(title: str) -> None:
    """Write what is not there yet, and keep errors to itself."""
    try:
        enter.run(title)
    except OperationalError:
        return
