"""What tasks do with a database: each public function is the body of one."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from asgiref.sync import async_to_sync
from django.db import IntegrityError, connection, connections, transaction
from django.db.backends.signals import connection_created

from library.models import Author, Book

MANY = 9500


def n_plus_one() -> None:
    for book in Book.objects.all():
        str(book.author.name)


def n_plus_one_in_a_comprehension() -> None:
    [book.author.name for book in Book.objects.all()]


def joined() -> None:
    for book in Book.objects.select_related("author"):
        str(book.author.name)


def two_lines() -> None:
    Author.objects.get(name="author 0")
    Author.objects.get(name="author 1")


def bulk_writes() -> None:
    author = Author.objects.get(name="author 0")
    with transaction.atomic():
        Book.objects.bulk_create([Book(title="new", author=author) for _ in range(250)], batch_size=100)
        new = list(Book.objects.filter(title="new"))
        for book in new:
            book.pages += 1
        Book.objects.bulk_update(new, ["pages"], batch_size=100)
        transaction.set_rollback(True)


def chunked_reads() -> None:
    for start in range(0, 350, 100):
        list(Book.objects.filter(pk__in=range(start, min(start + 100, 350))))


def executemany() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany("UPDATE library_book SET pages = %s WHERE id = %s", [(1, -n) for n in range(10)])


def iterator() -> int:
    return sum(1 for _ in Book.objects.iterator(chunk_size=2))


def savepoints() -> None:
    with transaction.atomic():
        Author.objects.count()
        for _ in range(3):
            with transaction.atomic():
                Author.objects.count()


def broken_transaction() -> None:
    with transaction.atomic():
        try:
            Author.objects.create(name="author 0")
        except IntegrityError:
            Author.objects.count()


def bad_sql() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT missing FROM nowhere")


def wide_in() -> int:
    return Book.objects.filter(pk__in=range(5000)).count()


def many() -> None:
    with connection.cursor() as cursor:
        for _ in range(MANY):
            cursor.execute("SELECT 1")


def different_texts() -> None:
    with connection.cursor() as cursor:
        for number in range(2500):
            cursor.execute(f"SELECT {number}")


def reconnects() -> int:
    for _ in range(3):
        connection.close()
        Author.objects.count()
    return len(connection.execute_wrappers)


def copied_connection() -> None:
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        other.close()


def other_alias() -> None:
    Author.objects.using("replica").count()
    Author.objects.count()


def wrappers_of_the_app() -> list[int]:
    """The app appends a wrapper to every new connection, and uses others for a while."""
    seen = []

    def permanent(execute: Any, *args: Any) -> Any:
        seen.append(1)
        return execute(*args)

    def temporary(execute: Any, *args: Any) -> Any:
        return execute(*args)

    def attach(connection: Any, **_: Any) -> None:
        connection.execute_wrappers.append(permanent)

    connection_created.connect(attach)
    try:
        connection.close()
        with connection.execute_wrapper(temporary):
            # Connecting appends the app's own last, which is what leaving the block removes.
            Author.objects.count()
        for _ in range(20):
            connection.close()
            with connection.execute_wrapper(temporary):
                Author.objects.count()
            Author.objects.count()
    finally:
        connection_created.disconnect(attach)
    left = [wrapper.__name__ for wrapper in connection.execute_wrappers]
    connection.execute_wrappers[:] = [w for w in connection.execute_wrappers if w not in (permanent, temporary)]
    return [left.count("_observe"), left.index("_observe"), len(seen)]


def query_while_connecting() -> None:
    def greet(connection: Any, **_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 'hello'")

    connection_created.connect(greet)
    try:
        connection.close()
        Author.objects.count()
    finally:
        connection_created.disconnect(greet)


def _count_and_close() -> int:
    try:
        return Author.objects.count()
    finally:
        connections.close_all()


def in_threads() -> None:
    threads = [threading.Thread(target=_count_and_close) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


class _Counting(threading.Thread):
    def run(self) -> None:
        _count_and_close()
        inner = threading.Timer(0, _count_and_close)
        inner.start()
        inner.join()


def in_a_thread_of_a_thread() -> None:
    thread = _Counting()
    thread.start()
    thread.join()


def in_a_thread_pool() -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda _: _count_and_close(), range(4)))
        pool.submit(_count_and_close).result()


def library_function_in_a_thread_pool() -> None:
    with ThreadPoolExecutor(1) as pool:
        for _ in range(3):
            pool.submit(Author.objects.count).result()
        pool.submit(connections.close_all).result()


async def _ask() -> None:
    await Author.objects.acount()
    async for book in Book.objects.all():
        await Author.objects.aget(pk=book.author_id)


def asynchronous() -> None:
    async_to_sync(_ask)()


def asynchronous_in_a_loop_of_its_own() -> None:
    async def ask_and_close() -> None:
        await _ask()
        from asgiref.sync import sync_to_async

        await sync_to_async(connections.close_all)()

    asyncio.run(ask_and_close())


def gathered() -> None:
    async def ask() -> None:
        await asyncio.gather(*(Author.objects.acount() for _ in range(4)))

    async_to_sync(ask)()
