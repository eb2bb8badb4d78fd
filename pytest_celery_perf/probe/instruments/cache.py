"""What an execution asks of Django's caches, by alias and kind of key.

A key that ``get`` and its like find is a hit, one that they do not is a miss; ``get_or_set`` asks once.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from pytest_celery_perf.probe import caches
from pytest_celery_perf.probe.callsite import innermost
from pytest_celery_perf.probe.pools import ALL
from pytest_celery_perf.probe.readings import Cached, Place

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = ALL
MOST_KEYS = 500
"""How many different uses of one execution are told apart: a key may be made of what it stands for."""


def begin(_: RunningAttempt) -> CacheReading:
    """See `Instrument.begin`."""
    return CacheReading(seen=caches.install())


_Use = tuple[str, str, str, bool, Place]
"""Alias, event, key, whether it lasts, and line."""


class CacheReading:
    """The uses of caches by one execution.

    Threads of one task may count at the same time: a `defaultdict` makes what is missing without running Python code,
    so that CPython changes threads neither there nor before the sum is written back.

    Args:
        seen: Whether anybody sees them: without Django nobody does.
    """

    def __init__(self, *, seen: bool) -> None:
        self._seen = seen
        self._uses: defaultdict[_Use, int] = defaultdict(int)

    def note(self, alias: str, event: str, key: str, lasting: bool) -> None:
        """Count a use."""
        use = (alias, event, key, lasting, innermost(sys._getframe(1)))
        if use not in self._uses and len(self._uses) >= MOST_KEYS:
            use = (alias, event, f"… one of more than {MOST_KEYS} different keys", lasting, None)
        self._uses[use] += 1

    def end(self) -> list[Cached] | None:
        """See `Reading.end`."""
        if not self._seen:
            return None
        return [
            Cached(alias, event, key, lasting, times, where)
            for (alias, event, key, lasting, where), times in [*self._uses.items()]
        ]
