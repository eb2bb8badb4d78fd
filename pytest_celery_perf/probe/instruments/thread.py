"""What an execution did with its thread: run, be ready to run while no core was free, or neither.

On gevent all executions share one thread, which each has until it waits for something that gevent knows. Whoever waits
for anything else, in C code that nobody has patched, keeps the thread, and all others wait with it. So the time is
taken at each switch between greenlets, and a lookout in a thread of its own sees in which line of code that was.

Source:
    ``greenlet.settrace``: called with each switch of its thread. ``/proc/<pid>/task/<tid>/schedstat``: nanoseconds on a
    core, and on the run queue of one.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import callsite, context
from pytest_celery_perf.probe.pools import ALL
from pytest_celery_perf.probe.readings import Place, Thread

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

POOLS = ALL

LOOK_S = 0.05
"""How often the lookout looks. Each look takes Python's global lock from the tasks: a hundred in a second would cost
them a third of their throughput."""
LONG_NS = 20_000_000
"""Whoever has kept the thread for so long at a look, and computed for less than half of it, is seen. Less could not be
told from computing: the kernel notes a running thread's time at its ticks, 4 to 10 ms apart, and notes nothing of what
another virtual machine took."""
BRIEF_NS, SHORT_NS = 1_000_000, round(LOOK_S * 1_000_000_000)
"""Whoever has kept the thread for a time between these may not have been seen so. Where it was at any look is then
taken for the place, if its own clocks tell in the end that it hardly computed. For less, anything could be to blame."""


def begin(attempt: RunningAttempt) -> _Reading:
    """See `Instrument.begin`."""
    reading = _Reading(attempt)
    attempt.body_readings += (reading,)
    return reading


class _Reading:
    def __init__(self, attempt: RunningAttempt) -> None:
        self.attempt = attempt
        self.held_ns = self.running_ns = self.ready_ns = self.stuck_ns = 0
        self.where: Place = None
        self.glimpse: tuple[tuple[int, int, int], Place] | None = None
        """Where the lookout saw it, and since when it had the thread then."""
        self.since_ns = (0, 0, 0)
        self._hub = _hub() if context.has_greenlets() else None

    def begin_body(self) -> None:
        self.take()
        if self._hub is not None:
            self._hub.add(self)
            self.take()  # what the hub took, for its first lookout most of all, is not the body's

    def end_body(self) -> None:
        self.leave()
        if self._hub is not None:
            self._hub.remove(self)

    def end(self) -> list[Thread] | None:
        if not self.since_ns[0]:
            return None
        ready_ns = self.ready_ns if _schedstat() is not None else None
        stuck_ns = None if self._hub is None or ready_ns is None else self.stuck_ns
        return [Thread(self.held_ns, self.running_ns, ready_ns, stuck_ns, self.where)]

    def take(self) -> None:
        """It gets the thread."""
        self.since_ns = _clocks_ns()

    def leave(self) -> None:
        """It lets go of the thread."""
        # In the reverse order of `take`: to ask for the third takes longer than a short task, and is not the task's.
        running_ns, now_ns, ready_ns = time.thread_time_ns(), time.monotonic_ns(), _ready_ns()
        held, running, ready = (
            now - then for now, then in zip((now_ns, running_ns, ready_ns), self.since_ns, strict=True)
        )
        self.held_ns += held
        self.running_ns += running
        self.ready_ns += ready
        stuck = held - running - ready
        self.stuck_ns = max(self.stuck_ns, stuck)
        glimpse, self.glimpse = self.glimpse, None
        if glimpse is not None and glimpse[0] is self.since_ns and self.where is None and _is_short_wait(held, stuck):
            self.where = glimpse[1]


def _is_short_wait(held_ns: int, stuck_ns: int) -> bool:
    return BRIEF_NS < held_ns < SHORT_NS and stuck_ns * 4 > held_ns * 3


class _Hub:
    """Tells in a gevent worker whose turn it is."""

    def __init__(self) -> None:
        self._readings: dict[int, _Reading] = {}
        self._thread = _native("_thread", "get_ident")()
        self._schedstat = _schedstat()
        self._turn: _Reading | None = None
        """Who has the thread."""
        self._before: Any = None
        self._looking = False

    def add(self, reading: _Reading) -> None:
        if not self._readings:
            self._before = sys.modules["greenlet"].settrace(self._switched)
        if not self._looking and self._schedstat is not None:
            self._looking = True
            _native("_thread", "start_new_thread")(self._look_out, (self._schedstat,))
        self._readings[id(reading.attempt)] = self._turn = reading

    def remove(self, reading: _Reading) -> None:
        self._turn = None
        del self._readings[id(reading.attempt)]
        if not self._readings:
            sys.modules["greenlet"].settrace(self._before)

    def _switched(self, event: str, greenlets: tuple[Any, Any]) -> None:
        if self._before is not None:
            self._before(event, greenlets)
        if self._turn is not None:
            self._turn.leave()
        attempt = context.of_greenlet(greenlets[1])
        self._turn = None if attempt is None else self._readings.get(id(attempt))
        if self._turn is not None:
            self._turn.take()

    def _look_out(self, schedstat: int) -> None:
        """Note of whoever keeps the thread for long which line of the user's code does it."""
        sleep = _native("time", "sleep")
        seen_ns = (0, 0)
        while True:
            sleep(LOOK_S)
            before_ns, turn = seen_ns, self._turn
            seen_ns = _busy_ns(schedstat)
            if turn is not None and turn.where is None:
                since_ns, place = turn.since_ns, callsite.innermost(sys._current_frames().get(self._thread))
                if self._waits(turn, before_ns, seen_ns):
                    turn.where = place
                elif turn is self._turn and turn.since_ns is since_ns:
                    turn.glimpse = (since_ns, place)

    def _waits(self, turn: _Reading, before_ns: tuple[int, int], seen_ns: tuple[int, int]) -> bool:
        """Tell whether somebody keeps the thread without computing: a line that computes is not to blame.

        Args:
            turn: Whose turn it is.
            before_ns: The time of the look before, and for how long the thread had been busy until then.
            seen_ns: The same of this look.
        """
        since_ns = turn.since_ns
        held_ns, busy_ns = (
            now - then
            for now, then in zip(seen_ns, max(before_ns, (since_ns[0], since_ns[1] + since_ns[2])), strict=True)
        )
        return held_ns > LONG_NS and busy_ns * 2 < held_ns and turn is self._turn and turn.since_ns is since_ns


_hubs: dict[int, _Hub] = {}
_files: dict[tuple[int, int], int | None] = {}


def _hub() -> _Hub:
    return _hubs.setdefault(os.getpid(), _Hub())


def _native(module: str, function: str) -> Any:
    """Return a function as it was before gevent patched it."""
    return sys.modules["gevent.monkey"].get_original(module, function)


def _clocks_ns() -> tuple[int, int, int]:
    """Return the time, and for how long this thread has been on a core and on the run queue of one."""
    ready_ns = _ready_ns()
    return time.monotonic_ns(), time.thread_time_ns(), ready_ns


def _ready_ns() -> int:
    """Return for how long this thread has been on the run queue of a core; zero where the kernel does not tell."""
    file = _schedstat()
    return 0 if file is None else int(os.pread(file, 64, 0).split()[1])


def _busy_ns(schedstat: int) -> tuple[int, int]:
    """Return the time, and for how long a thread has been on a core or on the run queue of one, as another sees it."""
    running_ns, ready_ns = map(int, os.pread(schedstat, 64, 0).split()[:2])
    return time.monotonic_ns(), running_ns + ready_ns


def _schedstat() -> int | None:
    """Return the file that tells of this thread; None where there is none."""
    thread = (os.getpid(), threading.get_native_id())
    if thread not in _files:
        try:
            _files[thread] = os.open(f"/proc/self/task/{thread[1]}/schedstat", os.O_RDONLY)
        except OSError:
            _files[thread] = None
    return _files[thread]
