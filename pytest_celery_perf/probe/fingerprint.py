"""What makes two SQL texts the same statement.

Django hands templates with placeholders to the cursor, so that a text repeats often: the
fingerprint is memoised.
"""

from __future__ import annotations

import re
from functools import lru_cache

from pytest_celery_perf.probe.sql import is_transaction_control

_TOKEN = re.compile(
    r"""
      (?P<blank> \s+ | --[^\n]* | /\*.*?\*/ )
    | (?P<value>
          [eE]'(?:[^'\\]|\\.|'')*'              # only here does a backslash escape,
        | (?:[nNxXbB]|[uU]&)?'(?:[^']|'')*'     # so that ESCAPE '\' ends where it should
        | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$
        | %s | %\(\w+\)s | \$\d+ | \?(?![|&])
        | 0[xX][0-9a-fA-F]+ | (?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?
      )
    | (?P<quoted> "(?:[^"]|"")+" | `(?:[^`]|``)+` )
    | (?P<word> [^\W\d][\w$]* )
    | (?P<sign> ::|:=|%%|<=|>=|<>|!=|==|\|\||->>|->|\#>>|\#>|@>|<@|&&|\?\||\?&|!~\*|!~|~\*|<<|>> | . )
    """,
    re.VERBOSE | re.DOTALL,
)
_NAME = re.compile(r"[^\W\d][\w$]*")
_KEYWORDS = frozenset(
    """
    ALL ALTER ANALYZE AND ANY ARRAY AS ASC BEGIN BETWEEN BY CASE CAST COLLATE COMMIT CONFLICT CREATE CROSS CURRENT_DATE
    CURRENT_TIMESTAMP DEFAULT DELETE DESC DISTINCT DO DROP ELSE END ESCAPE EXCEPT EXISTS EXPLAIN FALSE FETCH FILTER
    FOR FROM FULL GROUP HAVING IGNORE ILIKE IN INNER INSERT INTERSECT INTERVAL INTO IS ISNULL JOIN
    LATERAL LEFT LIKE LIMIT LOCKED NATURAL NO NOT NOTHING NOTNULL NOWAIT NULL NULLS OF OFFSET ON ONLY OR ORDER OUTER
    OVER PARTITION PRAGMA RECURSIVE REGEXP RELEASE REPLACE RETURNING RIGHT ROLLBACK ROW ROWS SAVEPOINT SELECT SET SHARE
    SKIP TABLE THEN TO TRUE TRUNCATE UNION UPDATE USING VALUES WHEN WHERE WINDOW WITH
    """.split()  # noqa: SIM905 - in a list of quoted words nobody sees the words
)

_CAST = r"(?:::[\w. ]+(?:\[\])?)?"
_IN_LIST = re.compile(rf"\bIN \((?:\?{_CAST}(?:, )?)+\)")
_ARRAY = re.compile(r"\bARRAY\[\?(?:, \?)+\]")
BRACKETS = r"\((?:[^()]++|\((?:[^()]++|\([^()]*+\))*+\))*+\)"
_SAME_ROWS = re.compile(rf"({BRACKETS})(?:, \1)+")
_SAME_BRANCHES = re.compile(r"(WHEN (?:(?!\b(?:WHEN|ELSE|END)\b).)++)\1+", re.DOTALL)
_SAVEPOINT = re.compile(r"((?:ROLLBACK TO )?SAVEPOINT|RELEASE(?: SAVEPOINT)?|ROLLBACK TO) \S+")


@lru_cache(maxsize=4096)
def fingerprint(sql: str) -> str:
    r"""Reduce a statement to what it has in common with its like.

    Comments, white space, the case of keywords, quotes around plain names and the names of
    savepoints go. Every value or placeholder becomes ``?``. A list of them after ``IN``, equal
    rows of ``VALUES`` and equal ``WHEN`` branches become one, so that neither the size of a
    batch nor the length of a list matters. The fingerprint of a fingerprint is itself.

    A backslash escapes in ``E'…'`` only, as the standard has it: ``ESCAPE '\'`` is complete.
    """
    text = _join(_tokens(sql))
    text = _IN_LIST.sub("IN (?)", text)
    text = _ARRAY.sub("ARRAY[?]", text)
    text = _SAME_ROWS.sub(r"\1", text)
    text = _SAME_BRANCHES.sub(r"\1", text)
    return _SAVEPOINT.sub(r"\1 ?", text) if is_transaction_control(text) else text


def _tokens(sql: str) -> list[str]:
    tokens: list[str] = []
    for match in _TOKEN.finditer(sql.rstrip("; \t\r\n")):
        token = match.group()
        match match.lastgroup:
            case "blank":
                continue
            case "value" | "tag":
                if tokens and tokens[-1] in ("-", "+") and not (len(tokens) > 1 and _ends_operand(tokens[-2])):
                    tokens.pop()  # the sign of a number
                tokens.append("?")
            case "quoted":
                tokens.append(_unquoted(token))
            case "word":
                tokens.append(token.upper() if token.upper() in _KEYWORDS else token)
            case _:
                tokens.append(token.replace("%%", "%"))
    return tokens


def _ends_operand(token: str) -> bool:
    return token[-1] in '?)]"' or (token not in _KEYWORDS and _NAME.fullmatch(token) is not None)


def _unquoted(name: str) -> str:
    """Drop quotes that a plain name does not need; a keyword needs them to stay a name."""
    inner = name[1:-1]
    plain = _NAME.fullmatch(inner) and inner.upper() not in _KEYWORDS
    return inner if plain else f'"{inner}"'


def _join(tokens: list[str]) -> str:
    """Write tokens as people space them, which no longer depends on how they were spaced."""
    parts: list[str] = []
    before = "("
    for token in tokens:
        called = token in ("(", "[") and (before == "ARRAY" or (before not in _KEYWORDS and _ends_operand(before)))
        closing = token in (")", "]", ",", ".", ";", "::")
        if not (called or closing or before in ("(", "[", ".", "::")):
            parts.append(" ")
        parts.append(token)
        before = token
    return "".join(parts)
