"""How wide a statement asks, and how to show it to a reader."""

from __future__ import annotations

import re
from functools import lru_cache

from pytest_celery_perf.probe.fingerprint import BRACKETS, fingerprint
from pytest_celery_perf.probe.sql import is_transaction_control, verb

__all__ = ["batch_size", "fingerprint", "is_transaction_control", "readable", "verb"]

_MEMO = 4096

_WIDE_IN = re.compile(r"\bIN\s*\(([^()]*)\)", re.IGNORECASE)
_LIMIT = re.compile(r"\bLIMIT\s+(\d+)", re.IGNORECASE)


@lru_cache(maxsize=_MEMO)
def batch_size(sql: str) -> int:
    """Return for how many rows at once a statement asks: its longest ``IN`` list or its ``LIMIT``; at least 1.

    Args:
        sql: The statement as it was sent, not its fingerprint.
    """
    in_lists = [match.group(1).count(",") + 1 for match in _WIDE_IN.finditer(sql)]
    limits = [int(match.group(1)) for match in _LIMIT.finditer(sql)]
    return max([1, *in_lists, *limits])


_SELECT_LIST = re.compile(rf"SELECT (?:DISTINCT )?((?:[^()]|{BRACKETS})*?) FROM ")  # noqa: S608 - a pattern
_INSERT = re.compile(rf"(INSERT (?:OR \w+ )?INTO [^\s(]+) ?{BRACKETS} VALUES {BRACKETS}")  # noqa: S608 - a pattern
_TABLE = re.compile(r'\b(?:FROM|UPDATE|INTO) ([\w$."]+)')
_SHORT = 24


@lru_cache(maxsize=_MEMO)
def readable(statement: str, width: int = 100) -> str:
    """Shorten a fingerprint to what tells it from others.

    Lists of columns become ``…``; where only one table occurs, columns lose its name.

    Args:
        statement: A fingerprint.
        width: The most characters to return.
    """
    tables = set(_TABLE.findall(statement))
    if len(tables) == 1 and " JOIN " not in statement:
        statement = statement.replace(f"{tables.pop()}.", "")
    columns = _SELECT_LIST.match(statement)
    if columns and ("," in columns.group(1) or len(columns.group(1)) > _SHORT):
        statement = f"{statement[: columns.start(1)]}…{statement[columns.end(1) :]}"
    statement = _INSERT.sub(r"\1 (…) VALUES (…)", statement)
    return statement if len(statement) <= width else f"{statement[: width - 1].rstrip()}…"
