"""What lasts until it is undone: at the end of its ``with`` block, by hand, or at the test's end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Lasting:
    """A fault that is going on.

    Args:
        end: Ends it; called once, however often it is healed.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        self._end: Callable[[], object] | None = end

    @property
    def over(self) -> bool:
        """Whether it was undone."""
        return self._end is None

    def heal(self) -> None:
        """End it, unless it has ended."""
        end, self._end = self._end, None
        if end is not None:
            end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.heal()


class Ward:
    """The lasting faults of one test, undone together, the latest first."""

    def __init__(self) -> None:
        self._until_s: dict[Lasting, float] = {}
        """When each ends of itself, by the monotonic clock."""

    def admit(self, fault: Lasting) -> Lasting:
        """See to it that a fault is undone at the test's end."""
        self._until_s = {each: until_s for each, until_s in self._until_s.items() if not each.over}
        self._until_s[fault] = math.inf
        return fault

    def limit(self, fault: Lasting, until_s: float) -> None:
        """See to it that a fault is undone at a certain time, by `tend`."""
        self._until_s[fault] = until_s

    def tend(self) -> None:
        """Undo what was to last until now."""
        now_s = time.monotonic()
        for fault in [each for each, until_s in self._until_s.items() if until_s <= now_s]:
            del self._until_s[fault]
            fault.heal()

    def heal(self) -> None:
        """Undo what was not undone yet.

        Raises:
            ExceptionGroup: What went wrong meanwhile; all was tried nevertheless.
        """
        errors: list[Exception] = []
        while self._until_s:
            try:
                self._until_s.popitem()[0].heal()
            except Exception as error:  # noqa: BLE001 - the others must be undone as well
                errors.append(error)
        if errors:
            raise ExceptionGroup("faults that could not be undone", errors)
