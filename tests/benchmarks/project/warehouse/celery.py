"""The Celery app."""

from __future__ import annotations

import os
import time
from pathlib import Path

import django
from celery import Celery
from celery.signals import worker_ready

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "warehouse.settings")
django.setup()

app = Celery("warehouse")
app.config_from_object("django.conf:settings", namespace="CELERY")


@app.task(name="warehouse.nothing")
def nothing() -> None:
    """Do nothing."""


@app.task(name="warehouse.pause")
def pause(seconds: float) -> None:
    """Take some time."""
    time.sleep(seconds)


@app.task(name="warehouse.burn")
def burn(cpu_ns: int) -> None:
    """Compute for a known time."""
    end_ns = time.thread_time_ns() + cpu_ns
    while time.thread_time_ns() < end_ns:
        pass


@app.task(name="warehouse.hoard")
def hoard(size: int, seconds: float) -> None:
    """Hold some memory for a moment."""
    held = bytearray(size)
    time.sleep(seconds)
    del held


@app.task(name="warehouse.call")
def call(times: int) -> None:
    """Call a function that often."""
    for number in range(times):
        _called(number)


def _called(_: int) -> None:
    pass


@app.task(name="warehouse.move", reject_on_worker_lost=True)
def move() -> None:
    """Survive everything."""


@app.task(name="warehouse.count", reject_on_worker_lost=True)
def count(shelves: int) -> None:
    """Ask the database again and again."""
    from django.contrib.auth.models import Group

    for shelf in range(shelves):
        Group.objects.filter(pk=shelf).exists()


@app.task(name="warehouse.order", autoretry_for=(ConnectionError,), retry_backoff=True, max_retries=12)
def order() -> None:
    """Be tried again after 1 s, 2 s, 4 s, at last after ten minutes."""


@worker_ready.connect
def say_ready(**_: object) -> None:
    """Tell whoever started a worker without our probe that it is ready."""
    if path := os.environ.get("WAREHOUSE_READY"):
        Path(path).write_text("ready")
