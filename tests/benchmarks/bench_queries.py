"""What the capture of queries adds to a task that uses Django's ORM on SQLite."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, cast

from tests.benchmarks.measuring import alternate
from tests.benchmarks.rows import Row

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

ROUNDS = 601
ROWS = 10
"""A task makes six queries for each: of every statement, 8 of 10 calls are looked at."""


class Attempt:
    """As much of an execution as the capture knows."""

    has_query_fault = False

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
            work=f"a task of {6 * ROWS} ORM queries on SQLite, captured, CPU; reference: no probe",
            ours=ours,
            reference=bare,
            unit="ms",
            goal=1.03,
        )
    ]


def measure() -> tuple[float, float]:
    """Return milliseconds of CPU for a task, with the capture and without."""
    with TemporaryDirectory() as directory:
        set_up(Path(directory) / "bench.sqlite3")
        from django.db import connection

        from pytest_celery_perf.probe import context, queries

        context.configure("prefork")
        queries.install()
        captured = connection.execute_wrappers[:]

        def with_capture() -> float:
            connection.execute_wrappers[:] = captured
            return cpu_ms(captured_task)

        def without() -> float:
            connection.execute_wrappers[:] = []
            return cpu_ms(task)

        with_capture(), without()  # warm up
        figures = alternate(with_capture, without, ROUNDS)
        connection.close()
    return figures


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


def cpu_ms(work: Any) -> float:
    """Return the milliseconds of CPU that a task takes."""
    began_ns = time.process_time_ns()
    work()
    return (time.process_time_ns() - began_ns) / 1e6


def captured_task() -> None:
    """Do what the probe does around a task, as far as it is about queries."""
    from pytest_celery_perf.probe import context

    attempt = Attempt()
    scope = context.enter(cast("RunningAttempt", attempt))
    task()
    context.leave(scope)
    attempt.capture.summary(len, len)


def task() -> None:
    """Ask small questions, as tasks do."""
    from django.contrib.auth.models import Group, Permission, User

    for number in range(1, ROWS + 1):
        user = User.objects.get(pk=number)
        list(user.groups.all())
        User.objects.filter(username__startswith="user", is_active=True).exists()
        Permission.objects.select_related("content_type").filter(codename__contains="add").first()
        Group.objects.filter(user=user).count()
        list(User.objects.only("username").order_by("pk")[:3])


if __name__ == "__main__":
    from tests.benchmarks.rows import show

    print(show(main(), 140))
