"""How many Python functions the body of an execution calls: a measure of its work that no machine's load changes.

Every call and return is heard, which slows the task down many times over: times that are measured along with it are
worth nothing. Counted are the calls in the thread that runs the task, generators that go on included; not those of
this package, and not those by which the garbage collector tidies up, at moments that the process's past decides.

Source:
    ``sys.setprofile``: its function belongs to one thread, and hears ``call`` when a Python function is entered.
"""

from __future__ import annotations

import gc
import os
import sys
from collections import defaultdict
from pathlib import Path
from threading import get_ident
from types import CodeType, FrameType
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe.pools import OWN_THREAD
from pytest_celery_perf.probe.readings import Calls

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = OWN_THREAD

_MOST = 10
"""Of how many functions it is told how often they were called."""
_OURS = str(Path(__file__).parents[1]) + os.sep


def begin(attempt: RunningAttempt) -> _Reading:
    """See `Instrument.begin`."""
    reading = _Reading()
    attempt.body_readings += (reading,)
    return reading


class _Reading:
    def __init__(self) -> None:
        self._thread = get_ident()
        self._counts: defaultdict[CodeType, int] = defaultdict(int)
        self._tidying = False
        self._heard = self._hear
        self._undisturbed = False

    def begin_body(self) -> None:
        if sys.getprofile() is None:
            # Around the callbacks of others, which may be Python functions too. The end first: a bound method is an
            # object that may set the collector going, whose end would not be heard, and nothing counted after it.
            gc.callbacks.append(self._end_tidying)
            gc.callbacks.insert(0, self._begin_tidying)
            sys.setprofile(self._heard)

    def end_body(self) -> None:
        # A task that profiles itself has ended the count.
        self._undisturbed = sys.getprofile() is self._heard
        if self._undisturbed:
            sys.setprofile(None)
        for callback in (self._begin_tidying, self._end_tidying):
            if callback in gc.callbacks:
                gc.callbacks.remove(callback)

    def end(self) -> list[Calls] | None:
        if not self._undisturbed:
            return None
        counts = [(code.co_filename, code.co_firstlineno, code.co_name, n) for code, n in self._counts.items()]
        most = sorted(counts, key=lambda called: (-called[-1], called))[:_MOST]
        return [Calls(sum(self._counts.values()), most)]

    def _hear(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "call" and not self._tidying and not frame.f_code.co_filename.startswith(_OURS):
            self._counts[frame.f_code] += 1

    def _begin_tidying(self, phase: str, _: dict[str, Any]) -> None:
        if phase == "start" and get_ident() == self._thread:
            self._tidying = True

    def _end_tidying(self, phase: str, _: dict[str, Any]) -> None:
        if phase == "stop" and get_ident() == self._thread:
            self._tidying = False
