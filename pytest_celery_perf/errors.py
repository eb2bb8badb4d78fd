"""The exceptions that this package raises; everything else is a bug.

Every message names what was wrong, the offending value and what would be right,
since a user reads it as the one line at the end of a test run.
"""

from __future__ import annotations

from pathlib import Path


class CeleryPerfError(Exception):
    """Base of all errors of this package."""


class ConfigurationError(CeleryPerfError):
    """An option, an ini key, an environment variable or a marker is wrong.

    Raised before any test runs: options at start-up, markers at collection.
    """


class BrokerError(CeleryPerfError):
    """A broker could not be chosen, started, reached or restarted."""


class ContainerError(CeleryPerfError):
    """The container engine refused something, or did not answer to the end."""


class WorkerError(CeleryPerfError):
    """A worker could not be launched, refused its options or died."""


class GuardError(CeleryPerfError):
    """The process that cleans up behind a killed test run could not be used."""


class SpoolError(CeleryPerfError):
    """A spool file holds something that the probe never writes.

    Args:
        path: The spool file.
        offset: Bytes from the start of the file to the offending line.
        reason: What is wrong there.
    """

    def __init__(self, path: Path, offset: int, reason: str) -> None:
        super().__init__(f"{path}, byte {offset}: {reason}")
        self.path = path
        self.offset = offset
        self.reason = reason


class BaselineError(CeleryPerfError):
    """What a run is compared with cannot be read, written or measured."""


class LockFileError(ConfigurationError):
    """A lock file holds something that ``--celery-perf-update`` never writes.

    Args:
        path: The lock file.
        line: The number of the offending line.
        reason: What is wrong there.
    """

    def __init__(self, path: Path, line: int, reason: str) -> None:
        super().__init__(f"{path}, line {line}: {reason}")
        self.path = path
        self.line = line
        self.reason = reason


class NotEnoughSamplesError(CeleryPerfError):
    """A percentile was asked of fewer samples than it needs."""


class UnfinishedTasksError(CeleryPerfError):
    """Tasks did not finish in time; the message is the diagnosis."""
