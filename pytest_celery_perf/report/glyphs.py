"""The few characters beyond ASCII that the reports use, and what stands in for them."""

from __future__ import annotations

_ASCII = {
    "✓": "+",
    "✗": "x",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "≈": "~",
    "×": "x",
    "µ": "u",
    "–": "-",
    "—": "-",
    "−": "-",
    "·": "|",
    "…": "...",
    "→": "->",
    "─": "-",
    "“": '"',
    "”": '"',
    "’": "'",
    **dict(zip("▁▂▃▄▅▆▇█", "_.-=+*%#", strict=True)),
}
_TABLE = str.maketrans(_ASCII)


def supports_unicode(encoding: str | None) -> bool:
    """Whether text in this encoding can hold every character that the reports use.

    Args:
        encoding: The terminal's, such as ``utf-8``; None where nobody knows.
    """
    try:
        "".join(_ASCII).encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def fit(text: str, *, unicode: bool) -> str:
    """Return a text as it is or, for a terminal without Unicode, in nothing but ASCII."""
    return text if unicode else text.translate(_TABLE).encode("ascii", "backslashreplace").decode()
