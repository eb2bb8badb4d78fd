"""What takes more than one task, or a process of its own: each public function is a scene."""

from __future__ import annotations

import _thread
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections, transaction

from library import bodies, harness
from library.models import Author
from pytest_celery_perf.probe import context


def hook_and_body() -> dict[str, Any]:
    return harness.run(Author.objects.count, before=lambda: [Author.objects.count(), Author.objects.count()])


def numbered() -> dict[str, Any]:
    """A fault waits for the third query; beginning a transaction is none."""

    def body() -> None:
        with transaction.atomic():
            for _ in range(5):
                with transaction.atomic():
                    Author.objects.count()

    return harness.run(body, strike_at=3, before=Author.objects.count)


def outlived() -> dict[str, Any]:
    """A task leaves a thread behind, which asks when the next task runs."""
    begin, done = threading.Event(), threading.Event()

    def late() -> None:
        begin.wait()
        Author.objects.count()
        connections.close_all()
        done.set()

    harness.run(lambda: threading.Thread(target=late).start())

    def body() -> None:
        begin.set()
        done.wait()

    return harness.run(body)


def shared_thread_pool() -> list[dict[str, Any]]:
    """Two tasks, one after the other, use a pool whose thread the first one started."""
    with ThreadPoolExecutor(1) as pool:
        first = harness.run(lambda: pool.submit(Author.objects.count).result())
        second = harness.run(lambda: [pool.submit(Author.objects.count).result() for _ in range(3)])
        nobodys = pool.submit(Author.objects.count)
        nobodys.result()
        pool.submit(connections.close_all).result()
    return [first, second]


def at_the_same_time() -> list[dict[str, Any]]:
    """Two tasks in two threads take turns; a thread of unknown origin asks in between."""
    turns = threading.Barrier(3)
    told: dict[int, dict[str, Any]] = {}

    def task(size: int) -> None:
        def body() -> None:
            turns.wait()
            for _ in range(size):
                Author.objects.count()
                with ThreadPoolExecutor(1) as pool:
                    pool.submit(bodies._count_and_close).result()
            turns.wait()
            turns.wait()

        told[size] = harness.run(body)
        connections.close_all()

    threads = [threading.Thread(target=task, args=(size,)) for size in (3, 5)]
    for thread in threads:
        thread.start()
    turns.wait()
    turns.wait()
    asked = threading.Event()

    def stray() -> None:
        bodies._count_and_close()
        asked.set()

    _thread.start_new_thread(stray, ())
    asked.wait()
    turns.wait()
    for thread in threads:
        thread.join()
    return [told[3], told[5]]


def greenlets() -> list[dict[str, Any]]:
    """Two tasks in greenlets take turns, and spawn greenlets of their own."""
    import gevent

    def task(size: int) -> dict[str, Any]:
        def body() -> None:
            for _ in range(size):
                Author.objects.count()
                gevent.sleep(0)
                gevent.spawn(bodies._count_and_close).join()
                thread = threading.Thread(target=bodies._count_and_close)
                thread.start()
                thread.join()

        try:
            return harness.run(body)
        finally:
            connections.close_all()

    jobs = [gevent.spawn(task, size) for size in (3, 5)]
    gevent.joinall(jobs)
    return [job.get() for job in jobs]


def forked() -> dict[str, Any]:
    """A child of this process runs a task."""
    connections.close_all()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, json.dumps(harness.run(bodies.n_plus_one)).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as stream:
        return json.load(stream)  # type: ignore[no-any-return]


def composed_sql() -> dict[str, Any]:
    """A statement of psycopg's parts."""
    from psycopg.sql import SQL, Identifier

    def body() -> None:
        with connections["default"].cursor() as cursor:
            cursor.execute(SQL("SELECT {} FROM library_book WHERE id = %s").format(Identifier("title")), [1])

    return harness.run(body)


def removed() -> list[str]:
    """The capture can be taken off again."""
    from pytest_celery_perf.probe import django_queries

    Author.objects.count()
    django_queries.uninstall()
    context.unconfigure()
    connection = connections["default"]
    methods = (
        *connection.execute_wrappers,
        threading.Thread.start,
        ThreadPoolExecutor.submit,
        type(connection).connect,
    )
    left = [method.__name__ for method in methods if "celery_perf" in method.__code__.co_filename]
    connection.close()
    counted = harness.run(Author.objects.count)["rows"]
    return [*left, *counted]
