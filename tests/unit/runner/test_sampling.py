from __future__ import annotations

import itertools
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from pytest_celery_perf.runner import sampling
from pytest_celery_perf.runner.sampling import MOST_SAMPLES, Pace, Sampler, _Watched

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.runner.pool import Pool


MIB = 1 << 20


class Scripted:
    """A meter that reads the given sizes; after the last one its process is gone."""

    source = "proc"
    pid = 1 << 30  # which no process has

    def __init__(self, *sizes: int) -> None:
        self._sizes = iter(sizes)
        self.told = 0
        self.closed = 0
        self.peak: int | None = None

    def tell(self) -> bytes:
        size = next(self._sizes, None)
        if size is None:
            raise ProcessLookupError
        self.told += 1
        return b"%d" % size

    def rss_bytes(self, told: bytes) -> int | None:
        return int(told) if told else None

    def cpu_ns(self) -> int | None:
        return 7

    def uss_bytes(self) -> int | None:
        return 5

    def peak_bytes(self) -> int | None:
        return self.peak

    def close(self) -> None:
        self.closed += 1


class Alone:
    """A worker in a pool, with one process."""

    boot = "boot"

    def __init__(self, meter: Scripted) -> None:
        self.worker = self
        self._meter = meter

    def meter(self) -> Scripted:
        return self._meter


def ask(watched: _Watched, now_ns: int) -> None:
    """Do as the sampler does."""
    try:
        told = watched.meter.tell()
    except OSError:
        told = b""
    if told != watched.told:
        watched.hear(now_ns, told)


def test_what_does_not_change_is_kept_once() -> None:
    watched = _Watched("boot", Scripted(*[10] * 5, 20))
    for now_ns in range(6):
        ask(watched, now_ns)
    assert watched.frozen().at_ns == (), "nothing is read while it is told"
    assert not watched.read(), "20 bytes are no movement"
    series = watched.frozen()
    assert ((0, 5), (10, 20)) == (series.at_ns, series.rss_bytes)
    assert series.gone_ns is None


def test_a_process_that_ends() -> None:
    watched = _Watched("boot", Scripted(10))
    for now_ns in (1, 2, 3):
        ask(watched, now_ns)
        watched.read()
        watched.count_pages(now_ns)
    assert (2, ((1, 5),)) == (watched.frozen().gone_ns, watched.frozen().uss)


def test_a_long_test_is_kept_in_fewer_samples_with_the_last_one() -> None:
    number = 5 * MOST_SAMPLES
    watched = _Watched("boot", Scripted(*range(1, number + 1)))
    for now_ns in range(number):
        ask(watched, now_ns)
    watched.read()
    series = watched.frozen()
    assert MOST_SAMPLES / 2 <= len(series.at_ns) <= MOST_SAMPLES
    assert (number - 1, number) == (series.at_ns[-1], series.rss_bytes[-1])
    gaps = {later - earlier for earlier, later in itertools.pairwise(series.at_ns[:-1])}
    assert gaps == {8}


def test_the_peak_is_not_below_what_was_seen() -> None:
    meter = Scripted(10, 90, 30)
    watched = _Watched("boot", meter)
    ask(watched, 1)
    watched.read()
    assert watched.frozen().peak_bytes is None
    meter.peak = 40
    watched.look(1)
    for now_ns in (2, 3, 4):
        ask(watched, now_ns)
        watched.read()
        watched.look(now_ns)
    assert watched.frozen().peak_bytes == 90


def test_the_highest_sample_is_kept_though_its_neighbours_are_not() -> None:
    sizes = [10 + number % 2 for number in range(9 * MOST_SAMPLES)]
    sizes[-MOST_SAMPLES - 3] = 999
    watched = _Watched("boot", Scripted(*sizes))
    for now_ns in range(len(sizes)):
        ask(watched, now_ns)
    watched.read()
    series = watched.frozen()
    assert (len(sizes) - MOST_SAMPLES - 3, 999) in set(zip(series.at_ns, series.rss_bytes, strict=True))
    assert sorted(series.at_ns) == list(series.at_ns)


def test_a_process_of_which_only_the_peak_was_read() -> None:
    meter = Scripted()
    meter.peak = 40
    watched = _Watched("boot", meter)
    watched.look(1)
    ask(watched, 2)
    watched.read()
    assert (40, (), 2) == (watched.frozen().peak_bytes, watched.frozen().rss_bytes, watched.frozen().gone_ns)


def test_memory_moves_by_what_is_worth_telling() -> None:
    watched = _Watched("boot", Scripted(MIB, 2 * MIB - 1, 2 * MIB, 2 * MIB + 1, 3 * MIB, 2 * MIB))
    moved = []
    for now_ns in range(6):
        ask(watched, now_ns)
        moved.append(watched.read())
    assert [True, False, True, False, True, True] == moved


def test_who_watches_what_is_calm_does_not_delay_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "STIR_S", 0)
    monkeypatch.setattr(sampling, "CALM", Pace(sample_s=3600, look_s=3600))
    meter = Scripted(*[MIB] * 1_000)
    sampler = Sampler(cast("Pool", SimpleNamespace(members=[Alone(meter)])))
    with sampler.watching():
        deadline = time.monotonic() + 30
        while meter.told < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert meter.told == 2, "at the beginning, and as it moved, being new; an hour later it is looked at again"
    assert meter.closed


def test_what_has_ended_is_closed_at_once_and_once() -> None:
    short, long = Scripted(10), Scripted(*[20] * 100_000)
    pool = SimpleNamespace(members=[Alone(short), Alone(long)])
    pool.members[1].boot = "other"
    sampler = Sampler(cast("Pool", pool))
    with sampler.watching():
        deadline = time.monotonic() + 30
        while not short.closed and time.monotonic() < deadline:
            time.sleep(0.01)
        assert (short.closed, long.closed) == (1, 0)
        first, second = sampler.samples()
    assert (short.closed, long.closed) == (1, 1)
    assert ("boot", "other") == (first.boot, second.boot)
    assert [series.gone_ns is not None for each in (first, second) for series in each.series] == [True, False]
