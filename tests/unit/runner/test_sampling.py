from __future__ import annotations

import itertools

from pytest_celery_perf.runner.sampling import MOST_SAMPLES, _Watched


class Scripted:
    """A meter that reads the given sizes; after the last one its process is gone."""

    source = "proc"
    pid = 811

    def __init__(self, *sizes: int) -> None:
        self._sizes = iter(sizes)
        self.peak: int | None = None

    def rss_bytes(self) -> int | None:
        return next(self._sizes, None)

    def cpu_ns(self) -> int | None:
        return 7

    def uss_bytes(self) -> int | None:
        return 5

    def peak_bytes(self) -> int | None:
        return self.peak

    def close(self) -> None:
        pass


def test_what_does_not_change_is_kept_once() -> None:
    watched = _Watched("boot", Scripted(*[10] * 5, 20))
    for now_ns in range(6):
        watched.sample(now_ns)
    series = watched.frozen()
    assert ((0, 5), (10, 20)) == (series.at_ns, series.rss_bytes)
    assert series.gone_ns is None


def test_a_process_that_ends() -> None:
    watched = _Watched("boot", Scripted(10))
    for now_ns in (1, 2, 3):
        watched.sample(now_ns)
        watched.count_pages(now_ns)
    assert (2, ((1, 5),)) == (watched.frozen().gone_ns, watched.frozen().uss)


def test_a_long_test_is_kept_in_fewer_samples_with_the_last_one() -> None:
    number = 5 * MOST_SAMPLES
    watched = _Watched("boot", Scripted(*range(1, number + 1)))
    for now_ns in range(number):
        watched.sample(now_ns)
    series = watched.frozen()
    assert MOST_SAMPLES / 2 <= len(series.at_ns) <= MOST_SAMPLES
    assert (number - 1, number) == (series.at_ns[-1], series.rss_bytes[-1])
    gaps = {later - earlier for earlier, later in itertools.pairwise(series.at_ns[:-1])}
    assert gaps == {8}


def test_the_peak_is_not_below_what_was_seen() -> None:
    meter = Scripted(10, 90, 30)
    watched = _Watched("boot", meter)
    watched.sample(1)
    assert watched.frozen().peak_bytes is None
    meter.peak = 40
    watched.look(1)
    for now_ns in (2, 3, 4):
        watched.sample(now_ns)
        watched.look(now_ns)
    assert watched.frozen().peak_bytes == 90
