"""What lasts until it is undone: at the end of its ``with`` block, by hand, or at the test's end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from pytest_celery_perf.errors import CeleryPerfError


class Lasting:
    """A fault that is going on.

    Args:
        end: Ends it; called once, however often it is healed.
    """

    def __init__(self, end: Callable[[], object]) -> None:
        self._end: Callable[[], object] | None = end
        self._broken_off: CeleryPerfError | None = None

    @property
    def over(self) -> bool:
        """Whether it was undone."""
        return self._end is None

    @property
    def settled(self) -> bool:
        """Whether it is over, and nobody need be told of that."""
        return self.over and self._broken_off is None

    def heal(self) -> None:
        """End it, unless it has ended.

        Raises:
            CeleryPerfError: It was broken off, which nobody has been told yet.
        """
        __tracebackhide__ = True
        end, self._end = self._end, None
        if end is not None:
            end()
        error, self._broken_off = self._broken_off, None
        if error is not None:
            raise error

    def break_off(self, error: CeleryPerfError) -> None:
        """End it before its time.

        Args:
            error: Why; raised when it is healed.
        """
        end, self._end = self._end, None
        if end is not None:
            self._broken_off = error  # first: who has waited for the end goes on with it
            end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        self.heal()


class Ward:
    """The lasting faults of one test, undone together, the latest first."""

    def __init__(self) -> None:
        self._until_s: dict[Lasting, float] = {}
        """When each ends of itself, by the monotonic clock."""

    def admit(self, fault: Lasting) -> Lasting:
        """See to it that a fault is undone at the test's end."""
        self._until_s = {each: until_s for each, until_s in self._until_s.items() if not each.settled}
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
            CeleryPerfError: One was broken off, or not used as it must be.
            ExceptionGroup: What else went wrong meanwhile; all was tried nevertheless.
        """
        __tracebackhide__ = True
        errors: list[Exception] = []
        while self._until_s:
            try:
                self._until_s.popitem()[0].heal()
            except Exception as error:  # noqa: BLE001 - the others must be undone as well
                errors.append(error)
        if len(errors) == 1 and isinstance(errors[0], CeleryPerfError):
            raise errors[0]
        if errors:
            raise ExceptionGroup("faults that could not be undone", errors)
