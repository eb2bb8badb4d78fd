"""What the runner tells the probe, through one environment variable."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

VARIABLE = "CELERY_PERF_PROBE"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeConfig:
    """The set-up of the probe in one start of one worker."""

    spool: str
    """Directory for this worker's record files."""
    doorbell: str
    """FIFO that wakes the reader."""
    boot: str
    """Identifies this start of this worker."""
    clock: str
    """The reader's clock; a worker with another one says so."""
    broker_url: str | None = None
    """Replaces the app's broker; None leaves it alone."""
    broker_write_url: str | None = None
    """Where to publish, if that is another way to the same broker."""
    result_backend: str | None = None
    """Replaces the app's result backend where that holds what is not the tests'; None leaves it alone."""
    transport_options: dict[str, Any] = field(default_factory=dict)
    """Added to the app's ``broker_transport_options``."""
    config: dict[str, Any] = field(default_factory=dict)
    """Celery settings of this worker, by new-style name."""
    cores: tuple[int, ...] = ()
    """Where its processes run; empty: anywhere."""
    databases: dict[str, str] = field(default_factory=dict)
    """The test databases' names by Django alias."""
    closed: tuple[str, ...] = ()
    """Aliases of the databases that are none of the tests'."""
    caches: dict[str, str] = field(default_factory=dict)
    """URLs that replace the locations of Django's Redis caches, by alias."""
    folders: dict[str, str] = field(default_factory=dict)
    """Directories that replace the locations of Django's file caches, by alias."""
    started: str = "cold"
    """How the worker was started, for the report."""

    @property
    def own_caches(self) -> dict[str, str]:
        """Where the caches of Django's are that belong to the tests alone, by alias."""
        return {**self.caches, **self.folders}

    def dump(self) -> str:
        """Return the value of the environment variable."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def load(cls, text: str) -> ProbeConfig:
        """Read the value of the environment variable.

        Raises:
            ValueError, TypeError: Something else wrote it.
        """
        return cls(**json.loads(text))
