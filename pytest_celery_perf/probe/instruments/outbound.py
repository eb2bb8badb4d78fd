"""The connections that an execution makes, to others than the broker, databases and caches."""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_celery_perf.probe import connections
from pytest_celery_perf.probe.callsite import innermost
from pytest_celery_perf.probe.pools import ALL
from pytest_celery_perf.probe.readings import Connected, Place

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = ALL


def begin(_: RunningAttempt) -> OutboundReading:
    """See `Instrument.begin`."""
    connections.install()
    return OutboundReading()


class OutboundReading:
    """The connections of one execution."""

    def __init__(self) -> None:
        self._made: defaultdict[tuple[str, int | None, Place], int] = defaultdict(int)
        self._failed: defaultdict[tuple[str, int | None, Place], int] = defaultdict(int)

    def connected(self, host: str, port: int | None, made: bool) -> None:
        """Count a connection.

        Args:
            host: As the user knows it; of a socket in the file system the path.
            port: None of such a socket.
            made: Whether it is there, or on the way.
        """
        (self._made if made else self._failed)[host, port, innermost(sys._getframe(1))] += 1

    def end(self) -> list[Connected]:
        """See `Reading.end`."""
        return [
            Connected(host, port, self._made[host, port, where], self._failed[host, port, where], where)
            for host, port, where in dict.fromkeys([*self._made, *self._failed])
        ]
