"""What a test does to the processes, the broker and the network of its workers."""

from __future__ import annotations

from pytest_celery_perf.faults.control import CeleryFaults

__all__ = ["CeleryFaults"]
