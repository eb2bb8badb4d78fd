from __future__ import annotations

import json
import logging
import os
import random
import sys
import threading
import time
from typing import Any

from celery import shared_task
from diary.models import Entry
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.cache import caches

from stock.models import Item

meeting = threading.Barrier(2)


@shared_task
def count_items() -> None:
    Entry.objects.create(text=str(Item.objects.count()))


@shared_task
def require(pk: int) -> None:
    Item.objects.get(pk=pk)


@shared_task
def tag() -> None:
    Entry.objects.create(text=str(ContentType.objects.get_for_model(Item).pk))


@shared_task
def look_up(times: int) -> None:
    for number in range(times):
        Item.objects.filter(pk=number).first()


@shared_task
def look_up_together(times: int) -> None:
    """Look up while another one does; a pool of one process alone runs two at once."""
    for number in range(times):
        if number < 3:
            meeting.wait(30)
        Item.objects.filter(pk=number).first()


@shared_task(bind=True, autoretry_for=(ConnectionError,), retry_backoff=100, retry_jitter=False, max_retries=3)
def insist(self: Any) -> None:
    if self.request.retries < 2:
        raise ConnectionError("not yet")
    Entry.objects.create(text=f"attempt {self.request.retries}")


@shared_task(acks_late=True, reject_on_worker_lost=True)
def survive() -> None:
    Entry.objects.create(text="survived")


@shared_task(acks_late=False)
def perish() -> None:
    Entry.objects.create(text="never")


@shared_task
def found_a_family(children: int) -> None:
    for number in range(children):
        be_born.delay(number)


@shared_task
def be_born(number: int) -> None:
    Entry.objects.create(text=f"child {number}")


@shared_task
def hang() -> None:
    wait_for_nothing()


def wait_for_nothing() -> None:
    Entry.objects.create(text="waits")
    while True:
        time.sleep(0.05)


@shared_task
def who() -> None:
    Entry.objects.create(text=str(os.getpid()))


@shared_task
def describe(*args: Any, **kwargs: Any) -> None:
    """Tell what the process is like that a task runs in, but for what tells tests and pools apart."""
    ours = ("CELERY_PERF_", "PYTEST_")
    told = {
        "args": args,
        "kwargs": kwargs,
        "argv": sys.argv[1:],
        "program": os.path.basename(sys.argv[0]),
        "cwd": os.getcwd(),
        "environment": {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(ours) and not value.startswith("redis://")
        },
        "level": logging.getLogger().level,
        "handlers": [type(handler).__name__ for handler in logging.getLogger().handlers],
        "main_thread": threading.current_thread() is threading.main_thread(),
    }
    Entry.objects.create(text=json.dumps(told))


@shared_task
def throw_dice() -> None:
    Entry.objects.create(text=str(random.getrandbits(64)))


@shared_task
def stumble() -> None:
    raise LookupError("over its own feet")


@shared_task
def cache_read(key: str) -> None:
    text = json.dumps([settings.CACHES["default"]["LOCATION"], caches["default"].get(key)])
    caches["default"].set(key, "from the worker")
    Entry.objects.create(text=text)


@shared_task
def limits() -> None:
    """Tell which limits a container has set, by version 2 of control groups or version 1."""
    told = {}
    for name, paths in {
        "memory": ("memory.max", "memory/memory.limit_in_bytes"),
        "cpu": ("cpu.max", "cpu/cpu.cfs_quota_us"),
    }.items():
        for path in paths:
            if os.path.exists(f"/sys/fs/cgroup/{path}"):
                with open(f"/sys/fs/cgroup/{path}") as file:
                    told[name] = file.read().split()[0]
    Entry.objects.create(text=json.dumps(told))


if os.environ.get("TOWN_BREAKS"):
    import nowhere_to_be_found  # noqa: F401
