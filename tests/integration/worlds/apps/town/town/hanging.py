"""What a test does with a task that never ends."""

from __future__ import annotations

import time
from typing import Any

from diary.models import Entry
from stock.tasks import hang


def give_up(celery_perf: Any) -> None:
    """Give up waiting for the task as soon as it hangs, however long it takes to come there."""
    hang.delay()
    deadline_s = time.monotonic() + 60
    while not Entry.objects.exists():
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    celery_perf.wait(timeout=0)
