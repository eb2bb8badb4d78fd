"""What stands in for characters that a reader cannot see: those beyond ASCII that the reports use, and controls."""

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
_CONTROLS = {number: f"\\x{number:02x}" for number in (*range(0x20), *range(0x7F, 0xA0)) if chr(number) not in "\t\n\r"}


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


def harmless(text: str) -> str:
    """Return a text as it is, with the names of control characters in their place.

    The message of an exception may hold any: they colour a terminal, or make a program take a log for no text.
    """
    return text.translate(_CONTROLS)


def fit(text: str, *, unicode: bool) -> str:
    """Return a text that is `harmless` or, for a terminal without Unicode, in nothing but ASCII."""
    text = harmless(text)
    return text if unicode else text.translate(_TABLE).encode("ascii", "backslashreplace").decode()
