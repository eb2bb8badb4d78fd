"""For how long something has been so, for those who wait."""

from __future__ import annotations

import time


class Since:
    """For how long something has been so."""

    def __init__(self) -> None:
        self._since_s: float | None = None

    def duration_s(self, is_so: bool) -> float:
        """Return seconds since it came to be so; zero if it is not."""
        if not is_so:
            self._since_s = None
            return 0.0
        now_s = time.monotonic()
        if self._since_s is None:
            self._since_s = now_s
        return now_s - self._since_s


class Total:
    """For how long something has been so, in all."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._was_so = False
        self._last_s = 0.0

    def count(self, is_so: bool) -> None:
        """Learn whether it is so now, and was until now if it was so before."""
        now_s = time.monotonic()
        if self._was_so:
            self.seconds += now_s - self._last_s
        self._was_so, self._last_s = is_so, now_s
