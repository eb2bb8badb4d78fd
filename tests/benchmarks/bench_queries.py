"""What the capture of queries adds to a query of Django's ORM on SQLite."""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from tests.benchmarks.rows import Row

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

TASKS = 100
ROWS = 20
"""A task sends each statement once for each row: the stack is looked at in 9 of 20 calls."""
UNDISTURBED = 0.9
"""Left out are the slowest calls, of both alike: those in which something else happened."""


class Attempt:
    """As much of an execution as the capture knows."""

    heeds_queries = False

    def __init__(self) -> None:
        from pytest_celery_perf.probe.queries import Capture

        self.capture = Capture()
        self.capture.phase = "body"


def main() -> list[Row]:
    # A process of its own: it is set up for another Django project than the other benchmarks.
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        ours, bare = process.submit(measure).result()
    return [
        Row(
            work="an ORM query on SQLite, captured, CPU; reference: no probe",
            ours=ours,
            reference=bare,
            unit="µs",
            goal=1.03,
        )
    ]


def measure() -> tuple[float, float]:
    """Return microseconds of CPU for a query, with the capture and without."""
    with TemporaryDirectory() as directory:
        set_up(Path(directory) / "bench.sqlite3")
        from celery import Celery
        from django.db import connection

        from pytest_celery_perf.probe import context, django_queries

        context.configure("prefork")
        django_queries.install()
        wrappers: tuple[list[Any], list[Any]] = connection.execute_wrappers[:], []
        figures: dict[tuple[str, int], list[int]] = {}

        def body(number: int) -> None:
            # Captured or not changes from call to call, so that what disturbs the machine disturbs both.
            for pk in range(1, ROWS + 1):
                for turn in range(2 * len(QUERIES)):
                    query = QUERIES[turn // 2]
                    bare = (turn + pk + number) % 2
                    connection.execute_wrappers[:] = wrappers[bare]
                    began_ns = time.thread_time_ns()
                    query(pk)
                    figures.setdefault((query.__name__, bare), []).append(time.thread_time_ns() - began_ns)

        task = Celery("bench", set_as_current=False).task(body)
        for number in range(TASKS):
            attempt = Attempt()
            scope = context.enter(cast("RunningAttempt", attempt))
            task.apply((number,))
            context.leave(scope)
            if sum(row[3] for row in attempt.capture.summary(len, len)) != ROWS * len(QUERIES):
                raise AssertionError("not every query was captured")
        connection.close()
    return mean_us(figures, 0), mean_us(figures, 1)


def mean_us(figures: dict[tuple[str, int], list[int]], bare: int) -> float:
    """Return the mean of the statements' undisturbed calls."""
    means = []
    for (_, kind), took_ns in figures.items():
        if kind == bare:
            means.append(statistics.fmean(sorted(took_ns)[: int(len(took_ns) * UNDISTURBED)]))
    return statistics.fmean(means) / 1e3


def set_up(database: Path) -> None:
    """Configure Django with its own users and groups, which is as common as a schema can be."""
    import django
    from django.conf import settings

    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
        USE_TZ=True,
    )
    django.setup()
    from django.contrib.auth.models import Group, Permission, User
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    group = Group.objects.create(name="readers")
    group.permissions.set(Permission.objects.all())
    for number in range(ROWS):
        User.objects.create(username=f"user {number}").groups.add(group)


def get(pk: int) -> None:
    from django.contrib.auth.models import User

    User.objects.get(pk=pk)


def related(pk: int) -> None:
    from django.contrib.auth.models import Group

    list(Group.objects.filter(user=pk))


def exists(pk: int) -> None:
    from django.contrib.auth.models import User

    User.objects.filter(username=f"user {pk}", is_active=True).exists()


def joined(_: int) -> None:
    from django.contrib.auth.models import Permission

    Permission.objects.select_related("content_type").filter(codename__contains="add").first()


def some(_: int) -> None:
    from django.contrib.auth.models import User

    list(User.objects.only("username").order_by("pk")[:3])


QUERIES: tuple[Callable[[int], Any], ...] = (get, related, exists, joined, some)


if __name__ == "__main__":
    from tests.benchmarks.rows import show

    print(show(main(), 140))
