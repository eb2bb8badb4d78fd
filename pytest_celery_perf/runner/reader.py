"""Reads records and enters them, whoever waits."""

from __future__ import annotations

from pathlib import Path

from pytest_celery_perf.collect.ledger import Ledger
from pytest_celery_perf.collect.spool import Spool
from pytest_celery_perf.probe.journal import Journal, clock_id

OWN_BOOT = "test"
"""The name under which the test process writes its own publications."""


class Reader:
    """The records of a session, read as they come.

    Args:
        spool: Directory of the record files.
        doorbell: FIFO that wakes the reader.
    """

    def __init__(self, spool: Path, doorbell: Path) -> None:
        self.spool = Spool(spool, doorbell)
        self.ledger = Ledger(clock_id(), OWN_BOOT)
        own = spool / OWN_BOOT
        own.mkdir()
        self.journal = Journal(str(own), str(doorbell), OWN_BOOT)

    def pump(self) -> None:
        """Enter all that was written by now."""
        for spooled in self.spool.read():
            self.ledger.enter(spooled)

    def forget(self, boot: str) -> None:
        """Drop a worker that has ended and whose records nobody needs any more."""
        self.spool.forget(boot)
        self.ledger.forget(boot)

    def close(self) -> None:
        """Release the descriptors."""
        self.spool.close()
