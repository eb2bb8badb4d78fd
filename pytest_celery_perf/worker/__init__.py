"""Workers: how they are described, started, watched and stopped."""

from __future__ import annotations

from pytest_celery_perf.worker.base import Launch, Worker, describe_exit
from pytest_celery_perf.worker.choice import create

__all__ = ["Launch", "Worker", "create", "describe_exit"]
