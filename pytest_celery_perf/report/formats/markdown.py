"""Text as GitHub's Markdown shows it, whatever it holds, and documents that fit into a number of bytes.

Source: GitHub Flavored Markdown Spec 0.29, code spans (6.3), fenced code blocks (4.5) and tables (4.10).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pytest_celery_perf.report.glyphs import harmless

_MEANING_SOMETHING = re.compile(r"([\\`*_{}\[\]<>()#+!|~&-])")


def plain(text: str) -> str:
    """Escape a text, so that it is shown as it is, on one line."""
    return _MEANING_SOMETHING.sub(r"\\\1", " ".join(harmless(text).split()))


def code(text: str) -> str:
    """Return a code span; nothing for no text."""
    line = " ".join(harmless(text).split())
    if not line:
        return ""
    fence = "`" * (_longest_run(line) + 1)
    padding = " " if "`" in (line[0], line[-1]) else ""
    return f"{fence}{padding}{line}{padding}{fence}"


def cell(text: str) -> str:
    """Return a code span for a table, where a bar must be escaped even in code."""
    return code(text).replace("|", r"\|")


def block(lines: Iterable[str]) -> str:
    """Return lines as they are, in a fence that none of them can close."""
    text = harmless("\n".join(lines))
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}\n"


def row(cells: Iterable[str]) -> str:
    """Return a line of a table; the cells are Markdown."""
    return f"| {' | '.join(cells)} |\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a document, of which some may be left out."""

    head: str
    """What stands above its items: a heading, the first two lines of a table."""
    items: Sequence[str]
    what: str
    """What the items are, as many are called: ``tests that failed``."""


def fitted(top: str, parts: Iterable[Part], limit_bytes: int) -> str:
    """Write as much of a document as fits, and say at each part how much does not.

    Args:
        top: Its beginning.
        parts: In the order of their importance: those in front get the room.
        limit_bytes: The most bytes of UTF-8 that there is room for.

    Returns:
        The document; empty if there is not even room for its beginning.
    """
    filled = [part for part in parts if part.items]
    reserved = sum(_size(_nothing_of(part)) for part in filled)
    written, room = [top], limit_bytes - _size(top) - reserved
    for part in filled:
        room += _size(_nothing_of(part))
        written.append(_fitted(part, room))
        room -= _size(written[-1])
    return "" if room < 0 else "".join(written)


def _fitted(part: Part, room: int) -> str:
    everything = "".join((part.head, *part.items))
    if _size(everything) <= room:
        return everything
    left = room - _size(part.head) - _size(_nothing_of(part))
    shown = []
    for item in part.items:
        left -= _size(item)
        if left < 0:
            break
        shown.append(item)
    if not shown:
        return _nothing_of(part)
    return "".join((part.head, *shown, _left_out(len(part.items) - len(shown), part)))


def _nothing_of(part: Part) -> str:
    """Return the line that counts all items of a part: the longest that there can be."""
    return _left_out(len(part.items), part)


def _left_out(count: int, part: Part) -> str:
    return f"\n… {count:,} of {len(part.items):,} {part.what} left out: there is no room for more.\n"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
