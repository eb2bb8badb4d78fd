"""Watches what workers use while a test runs that asks for it, in a thread of the test process."""

from __future__ import annotations

import os
import select
import threading
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.guard import Newcomers, Process
from pytest_celery_perf.model.samples import Series, WorkerSamples
from pytest_celery_perf.model.units import NS_PER_S
from pytest_celery_perf.runner.pool import Member, Pool
from pytest_celery_perf.worker.meters import Meter, meter_of


class Pace(NamedTuple):
    """How often processes are looked at. To wake up costs more than to look: by itself 0.2 % of a core at 20 ms."""

    sample_s: float
    """Their memory. What is shorter shows in the kernel's high-water mark."""
    look_s: float
    """New processes, CPU time and high-water marks, which costs more. To count the pages that belong to one process
    alone takes the kernel milliseconds: that is only done at the beginning and the end."""


MOVING = Pace(sample_s=0.02, look_s=0.5)
CALM = Pace(sample_s=0.1, look_s=1.0)
STIR_BYTES = 1 << 20
"""By how much the memory of a process has to change to count as moving; that of a new one does."""
STIR_S = 1.0
"""For how long it counts as moving from then on."""
THREAD = "celery-perf-sampling"
MOST_SAMPLES = 2048
"""How many are kept of a process, before every other one is dropped and fewer are kept from then on."""


class Sampler:
    """Watches the workers of a pool, those included that take the place of others meanwhile.

    Args:
        pool: The workers.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._boots: dict[str, str] = {}
        """Boot to the source of its samples."""
        self._owners: dict[int, str] = {}
        """Process to the boot of its worker; empty for those of others."""
        self._watched: list[_Watched] = []
        """Those that are there, or were until a moment ago."""
        self._gone: list[_Watched] = []
        self._newcomers = Newcomers()
        self._lock = threading.Lock()
        self._begun = False
        self._stirred_ns = 0
        """When memory last moved."""

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch until the block ends."""
        self._look()
        self._count_pages()
        self._begun = True
        over, end = os.pipe()
        thread = threading.Thread(target=self._watch, args=(over,), name=THREAD, daemon=True)
        thread.start()
        try:
            yield
        finally:
            os.write(end, b"!")  # to close it would not do: another process may have been forked with it
            thread.join()
            os.close(end)
            os.close(over)
            for watched in self._watched:
                watched.meter.close()

    def samples(self) -> tuple[WorkerSamples, ...]:
        """Return what was seen so far, now included."""
        self._look()
        self._count_pages()
        with self._lock:
            every = sorted((*self._gone, *self._watched), key=lambda each: each.number)
            return tuple(
                WorkerSamples(
                    boot=boot,
                    source=source,
                    series=tuple(each.frozen() for each in every if each.boot == boot),
                )
                for boot, source in self._boots.items()
            )

    def _watch(self, over: int) -> None:
        """Watch until there is something to read."""
        waiting = select.poll()  # as cheap as to sleep; to wait for an Event costs half as much again
        waiting.register(over, select.POLLIN)
        pace, looked_ns = MOVING, time.monotonic_ns()
        while not waiting.poll(pace.sample_s * 1000):
            new = self._sample()
            now_ns = time.monotonic_ns()
            if now_ns - looked_ns > pace.look_s * NS_PER_S:
                looked_ns = now_ns
                self._look()
            elif new and pace is CALM:
                self._read()
            pace = MOVING if now_ns - self._stirred_ns < STIR_S * NS_PER_S else CALM

    def _look(self) -> None:
        """Find new processes, and read the marks of all."""
        with self._lock:
            for member in tuple(self._pool.members):
                if member.boot not in self._boots:
                    self._meet(member)
            for process in self._newcomers.look():
                self._take(process)
            now_ns = time.monotonic_ns()
            for watched in self._watched:
                watched.look(now_ns)
        self._sample()
        self._read()

    def _count_pages(self) -> None:
        with self._lock:
            for watched in self._watched:
                watched.count_pages(time.monotonic_ns())

    def _meet(self, member: Member) -> None:
        """Begin to watch a worker."""
        try:
            meter = member.worker.meter()
        except WorkerError:  # it is only being started
            return
        if meter is not None:
            self._boots[member.boot] = meter.source
            self._add(member.boot, meter)
            # What a container's control group tells of is the whole worker.
            self._owners[meter.pid] = member.boot if meter.source != "cgroup" else ""

    def _take(self, process: Process) -> None:
        """Watch a new process if it belongs to a worker."""
        boot = self._owners.get(process.parent) or self._owners.get(process.session, "")
        if process.pid not in {each.meter.pid for each in self._watched}:
            self._owners[process.pid] = boot
            self._add(boot, meter_of(process.pid, young=self._begun) if boot else None)

    def _add(self, boot: str, meter: Meter | None) -> None:
        if meter is not None:
            self._watched.append(_Watched(boot, meter, number=len(self._watched) + len(self._gone)))

    def _sample(self) -> bool:
        """Have all tell their memory. It is flat since it is what watching costs: most say what they have said before.

        Returns:
            Whether one of them says something new.
        """
        new = False
        now_ns = time.monotonic_ns()
        with self._lock:
            for watched in self._watched:
                try:
                    told = watched.meter.tell()
                except OSError:
                    told = b""
                if told != watched.told:
                    watched.hear(now_ns, told)
                    new = True
        return new

    def _read(self) -> None:
        """Read what they have told."""
        with self._lock:
            for watched in self._watched:
                if watched.read():
                    self._stirred_ns = time.monotonic_ns()
            if any(watched.gone_ns is not None for watched in self._watched):
                self._let_go()

    def _let_go(self) -> None:
        """Close what has ended: a test may see thousands of processes."""
        there = []
        for watched in self._watched:
            if watched.gone_ns is None:
                there.append(watched)
            else:
                watched.meter.close()
                self._gone.append(watched)
        self._watched = there


@dataclass(slots=True)
class _Watched:
    """A process, or a container, with what was seen of it."""

    boot: str
    meter: Meter
    number: int = 0
    """Which one it was to be found."""
    told: bytes | None = None
    """What it told of its memory the last time, in the platform's words; nothing if it could not."""
    at_ns: array[int] = field(default_factory=lambda: array("q"))
    rss_bytes: array[int] = field(default_factory=lambda: array("q"))
    cpu: list[tuple[int, int]] = field(default_factory=list)
    uss: list[tuple[int, int]] = field(default_factory=list)
    peak_bytes: int | None = None
    gone_ns: int | None = None
    _unread: list[tuple[int, bytes]] = field(default_factory=list)
    _last: tuple[int, int] = (0, 0)
    """The newest sample, which may not have been kept."""
    _most: tuple[int, int] = (0, 0)
    """The highest one, likewise."""
    _stirred_bytes: int = 0
    """What it was when it last moved."""
    _stride: int = 1
    _seen: int = 0

    def hear(self, now_ns: int, told: bytes) -> None:
        """Keep what it tells of its memory, to be read later."""
        self.told = told
        self._unread.append((now_ns, told))

    def read(self) -> bool:
        """Read what it has told.

        Returns:
            Whether its memory has moved.
        """
        stirred_bytes = self._stirred_bytes
        for at_ns, told in self._unread:
            rss_bytes = self.meter.rss_bytes(told)
            if rss_bytes is None:
                self.gone_ns = at_ns
                break
            self._see(at_ns, rss_bytes)
        self._unread.clear()
        return self._stirred_bytes != stirred_bytes

    def _see(self, at_ns: int, rss_bytes: int) -> None:
        self._last = (at_ns, rss_bytes)
        if rss_bytes > self._most[1]:
            self._most = self._last
        if self._seen % self._stride == 0:
            self._keep(at_ns, rss_bytes)
        self._seen += 1
        if abs(rss_bytes - self._stirred_bytes) >= STIR_BYTES:
            self._stirred_bytes = rss_bytes

    def _keep(self, now_ns: int, rss_bytes: int) -> None:
        self.at_ns.append(now_ns)
        self.rss_bytes.append(rss_bytes)
        if len(self.at_ns) >= MOST_SAMPLES:
            self._stride *= 2
            del self.at_ns[1::2], self.rss_bytes[1::2]

    def look(self, now_ns: int) -> None:
        """Read its CPU time and the kernel's mark, while they are there."""
        if self.gone_ns is None:
            # It may be less than before: an execution that is measured by `memory` begins anew.
            self.peak_bytes = max(self.meter.peak_bytes() or 0, self.peak_bytes or 0) or None
            cpu_ns = self.meter.cpu_ns()
            if cpu_ns is not None:
                self.cpu = [*self.cpu[:1], (now_ns, cpu_ns)]

    def count_pages(self, now_ns: int) -> None:
        """Count the pages that nobody shares."""
        if self.gone_ns is None and (uss := self.meter.uss_bytes()) is not None:
            self.uss = [*self.uss[:1], (now_ns, uss)]

    def frozen(self) -> Series:
        """Return all of it, the newest sample and the highest one included."""
        kept = sorted({*zip(self.at_ns, self.rss_bytes, strict=True), self._last, self._most} - {(0, 0)})
        at_ns, rss_bytes = zip(*kept, strict=True) if kept else ((), ())
        return Series(
            pid=self.meter.pid,
            at_ns=at_ns,
            rss_bytes=rss_bytes,
            cpu=tuple(self.cpu),
            uss=tuple(self.uss),
            peak_bytes=None if self.peak_bytes is None else max((self.peak_bytes, *rss_bytes)),
            gone_ns=self.gone_ns,
        )
