"""Ready-made emergencies, played while the tasks of a test run."""

from __future__ import annotations

from pytest_celery_perf.drills.rehearsal import Rehearsal

__all__ = ["Rehearsal"]
