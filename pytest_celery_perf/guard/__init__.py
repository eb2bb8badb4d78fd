"""The guard: a small process that cleans up when pytest cannot, because it was killed.

`Guard` is the side that pytest holds. The other side (``python -m pytest_celery_perf.guard``) lives in
a session of its own, is deaf to the signals that end pytest, keeps the list of what there is to clean up
(`resources`), and does so once pytest has ended, however it ended.
"""

from __future__ import annotations

from pytest_celery_perf.guard.handle import Guard
from pytest_celery_perf.guard.processes import (
    MARK,
    Newcomers,
    Process,
    is_asleep,
    is_running,
    kill_groups,
    signal_group,
)
from pytest_celery_perf.guard.tether import tethered

__all__ = [
    "MARK",
    "Guard",
    "Newcomers",
    "Process",
    "is_asleep",
    "is_running",
    "kill_groups",
    "signal_group",
    "tethered",
]
