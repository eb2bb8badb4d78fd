"""A sign of life while tasks run: a line that renews itself, or a heartbeat in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from pytest_celery_perf.model.load import Pace
from pytest_celery_perf.model.metric import format_rate
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.report.glyphs import fit

_GRACE_S = 1.0
"""Work shorter than this shows nothing: most tests would only flicker."""
_RENEWAL_S = 0.1
_HEARTBEAT_S = 30.0


class Shown(Protocol):
    """How far something has come."""

    @property
    def text(self) -> str:
        """That, in a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the tasks of a test have come."""

    published: int
    finished: int
    """Whatever their end."""
    failed: int = 0
    """Of the finished ones."""
    pace: Pace | None = None
    """Of a load."""

    @property
    def text(self) -> str:
        """See `Shown`."""
        failed = f", {self.failed} failed" if self.failed else ""
        pace = "".join(f", {each}" for each in _pace(self.pace)) if self.pace else ""
        return f"{self.finished}/{self.published} tasks finished{failed}{pace}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparing:
    """How far a comparison of two versions has come."""

    epoch: int
    """0 while each test has its first run."""
    decided: int
    """Tests of which nothing is open; at first, those that have had their first run."""
    tests: int
    left_s: float
    """How long it may take at most."""

    @property
    def text(self) -> str:
        """See `Shown`."""
        done = f"epoch {self.epoch}, {self.decided}/{self.tests} tests decided"
        begun = f"{self.decided}/{self.tests} tests run for the first time"
        return f"{done if self.epoch else begun}, at most {_whole_seconds(self.left_s)} to go"


class LiveLine:
    """Shows the progress of one wait; make one per wait, and close it.

    Args:
        write: Puts text on the terminal or into the log as it is, and flushes.
        clock: Seconds on a monotonic clock.
        terminal: Whether somebody watches: then one line renews itself, at most ten times
            a second. Otherwise a line is written every 30 seconds, which tells a CI system
            that the job is alive.
        label: What is waited for, such as the name of the test.
        width: Columns of the terminal.
        unicode: Whether it can show more than ASCII.
    """

    def __init__(
        self,
        write: Callable[[str], object],
        clock: Callable[[], float],
        *,
        terminal: bool,
        label: str,
        width: int = 80,
        unicode: bool = True,
    ) -> None:
        self._write = write
        self._clock = clock
        self._terminal = terminal
        self._label = label
        self._width = width
        self._unicode = unicode
        self._began_s = clock()
        self._due_s = self._began_s + (_GRACE_S if terminal else _HEARTBEAT_S)
        self._shown: str | None = None

    @property
    def due_in_s(self) -> float:
        """Seconds until an `update` will show something: how long a wait may block."""
        return max(0.0, self._due_s - self._clock())

    def update(self, progress: Shown) -> None:
        """Show the progress, if it is time to."""
        now_s = self._clock()
        if now_s < self._due_s:
            return
        text = self._text(progress, now_s - self._began_s)
        if not self._terminal:
            self._due_s = now_s + _HEARTBEAT_S
            self._write(f"{text}\n")
            return
        self._due_s = now_s + _RENEWAL_S
        if text != self._shown:
            self._replace(text)

    def close(self) -> None:
        """Wipe the line off the terminal; what stands in a log stays there."""
        if self._terminal and self._shown is not None:
            self._replace("")
            self._write("\r")
            self._shown = None

    def _text(self, progress: Shown, elapsed_s: float) -> str:
        text = f"celery-perf: {progress.text}, {_whole_seconds(elapsed_s)} · {self._label}"
        text = fit(text, unicode=self._unicode)
        if not self._terminal:
            return text
        # One column stays free: a terminal that writes into its last one may go on to the next line.
        return text[: self._width - 1]

    def _replace(self, text: str) -> None:
        # Spaces wipe the rest of the old line on every terminal, an escape sequence only on some.
        self._write("\r" + text.ljust(len(self._shown or "")))
        self._shown = text


def _pace(pace: Pace) -> Iterator[str]:
    if pace.rate_per_s is not None:
        yield format_rate(pace.rate_per_s)
    if pace.p95_s is not None:
        yield f"p95 {format_duration_s(pace.p95_s)}"
    if pace.eta_s is not None:
        yield f"{_whole_seconds(pace.eta_s)} to go"


def _whole_seconds(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds < 120 else format_duration_s(seconds)
