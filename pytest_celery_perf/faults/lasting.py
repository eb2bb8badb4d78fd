"""What lasts until it is undone: at the end of its ``with`` block, by hand, or at the test's end."""

from __future__ import annotations

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
        self._lasting: list[Lasting] = []

    def admit(self, fault: Lasting) -> Lasting:
        """See to it that a fault is undone at the test's end."""
        self._lasting = [each for each in self._lasting if not each.over]
        self._lasting.append(fault)
        return fault

    def heal(self) -> None:
        """Undo what was not undone yet.

        Raises:
            ExceptionGroup: What went wrong meanwhile; all was tried nevertheless.
        """
        errors: list[Exception] = []
        while self._lasting:
            try:
                self._lasting.pop().heal()
            except Exception as error:  # noqa: BLE001 - the others must be undone as well
                errors.append(error)
        if errors:
            raise ExceptionGroup("faults that could not be undone", errors)
