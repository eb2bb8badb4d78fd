"""What kind of statement a text of SQL is, told from its first words."""

from __future__ import annotations

import re
from functools import lru_cache

_LEAD = r"(?:\s|\(|--[^\n]*(?:\n|$)|/\*.*?\*/)*"
"""What may stand before the first word: white space, brackets, comments."""
_FIRST_WORD = re.compile(rf"{_LEAD}([a-z]+)", re.IGNORECASE | re.DOTALL)
_TRANSACTION = re.compile(
    rf"{_LEAD}(?:BEGIN|COMMIT|END|ROLLBACK|ABORT|SAVEPOINT|RELEASE|(?:START|PREPARE)\s+TRANSACTION)\b",
    re.IGNORECASE | re.DOTALL,
)
_NOT_CODE = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
_INNERMOST_BRACKETS = re.compile(r"\([^()]*\)")
_MAIN_VERB = re.compile(r"\b(?:SELECT|INSERT|UPDATE|DELETE|MERGE)\b", re.IGNORECASE)


@lru_cache(maxsize=4096)
def verb(sql: str) -> str:
    """Return the verb of a statement in capitals, such as ``SELECT``.

    For a statement that begins with ``WITH`` it is the verb of its main part. A text
    without words has the verb ``""``.
    """
    match = _FIRST_WORD.match(sql)
    first = match.group(1).upper() if match else ""
    if first != "WITH":
        return first
    outside, nested = _NOT_CODE.sub(" ", sql), 1
    while nested:
        outside, nested = _INNERMOST_BRACKETS.subn(" ", outside)
    main = _MAIN_VERB.search(outside)
    return main.group().upper() if main else first


def is_transaction_control(sql: str) -> bool:
    """Tell whether a statement only begins, ends or marks a transaction.

    These are left out of every count: Django sends ``BEGIN`` as a statement on SQLite, but
    not on PostgreSQL, and ``COMMIT`` on neither. SQLite's ``PRAGMA`` and a ``SET`` are not
    among them: Django sends none during a task, so somebody wrote them on purpose.
    """
    return _TRANSACTION.match(sql) is not None
