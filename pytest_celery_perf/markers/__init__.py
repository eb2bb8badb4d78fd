"""The markers: what they take, and what those of a test come to."""

from __future__ import annotations

from pytest_celery_perf.markers.drills import celery_drill
from pytest_celery_perf.markers.functions import JUDGING, celery_worker
from pytest_celery_perf.markers.reading import help_lines, read
from pytest_celery_perf.markers.regression import celery_regression
from pytest_celery_perf.markers.sweeps import RERUNNING

__all__ = ["JUDGING", "RERUNNING", "celery_drill", "celery_regression", "celery_worker", "help_lines", "read"]
