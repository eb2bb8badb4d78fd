"""The journal of a test, as text."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_celery_perf.model.journal import JournalEntry
from pytest_celery_perf.model.units import NS_PER_S
from pytest_celery_perf.report.glyphs import fit

_MARKS = {"fault": "!", "snapshot": "·"}


def journal_text(entries: Sequence[JournalEntry], *, limit: int | None = None, unicode: bool = True) -> str:
    """Print a journal, a line for each entry: seconds since the first, who, what.

    Args:
        entries: In the order of time.
        limit: How many lines to print at most; of a longer journal the middle is left out, and said to be.
        unicode: Whether the reader can see more than ASCII.
    """
    begin_ns = min((entry.at_ns for entry in entries), default=0)
    width = max((len(entry.actor) for entry in entries), default=0)
    lines = [
        f"{(each.at_ns - begin_ns) / NS_PER_S:9.4f}s {_MARKS.get(each.kind, ' ')} {each.actor:<{width}}  {each.text}"
        for each in entries
    ]
    if limit is not None and len(lines) > limit:
        head, tail = limit // 2, limit - limit // 2
        lines[head:-tail] = [f"{'…':>10} {len(lines) - limit} more"]
    return fit("\n".join(lines), unicode=unicode)
