"""How a test says what it has measured for a claim."""

from __future__ import annotations


class Measured:
    """Records figures with a test, from where they come into the report file.

    Args:
        properties: The test's ``user_properties``.
    """

    def __init__(self, properties: list[tuple[str, object]]) -> None:
        self._properties = properties

    def __call__(self, key: str, figure: str, *, holds: bool = True) -> None:
        """Record what was measured for a claim.

        Args:
            key: Of the claim.
            figure: With its unit, to be read beside the claim.
            holds: Whether it bears the claim out.
        """
        self._properties += [(f"{key} measured", figure), (f"{key} holds", "yes" if holds else "no")]
