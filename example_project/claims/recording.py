"""How a test says what it has measured for a claim."""

from __future__ import annotations

from collections.abc import Callable


class Measured:
    """Records figures with the test, from where they come into the report file.

    Args:
        record: pytest's ``record_property``.
    """

    def __init__(self, record: Callable[[str, object], None]) -> None:
        self._record = record

    def __call__(self, key: str, figure: str, *, holds: bool = True) -> None:
        """Record what was measured for a claim.

        Args:
            key: Of the claim.
            figure: With its unit, to be read beside the claim.
            holds: Whether it bears the claim out.
        """
        self._record(f"{key} measured", figure)
        self._record(f"{key} holds", "yes" if holds else "no")
