from __future__ import annotations

import itertools

from pytest_celery_perf.runner.sampling import MOST_SAMPLES, _Watched
from pytest_celery_perf.worker.meters import Reading


class Scripted:
    """A meter whose readings are given; after the last one its process is gone."""

    source = "proc"
    pid = 811

    def __init__(self, *readings: Reading) -> None:
        self._readings = iter(readings)
        self.peak: int | None = None

    def read(self) -> Reading | None:
        return next(self._readings, None)

    def uss_bytes(self) -> int | None:
        return 5

    def peak_bytes(self) -> int | None:
        return self.peak

    def close(self) -> None:
        pass


def test_what_does_not_change_is_kept_once() -> None:
    watched = _Watched("boot", Scripted(*[Reading(10, 1)] * 5, Reading(20, 2)))
    for now_ns in range(6):
        watched.sample(now_ns)
    series = watched.frozen()
    assert ((0, 5), (10, 20), (1, 2)) == (series.at_ns, series.rss_bytes, series.cpu_ns)
    assert series.gone_ns is None


def test_a_process_that_ends() -> None:
    watched = _Watched("boot", Scripted(Reading(10, 1)))
    for now_ns in (1, 2, 3):
        watched.sample(now_ns)
        watched.look_closer(now_ns)
    assert (2, ((1, 5),)) == (watched.frozen().gone_ns, watched.frozen().uss)


def test_a_long_test_is_kept_in_fewer_samples_with_the_last_one() -> None:
    number = 5 * MOST_SAMPLES
    watched = _Watched("boot", Scripted(*(Reading(n, n) for n in range(number))))
    for now_ns in range(number):
        watched.sample(now_ns)
    series = watched.frozen()
    assert MOST_SAMPLES / 2 <= len(series.at_ns) <= MOST_SAMPLES
    assert (number - 1, number - 1) == (series.at_ns[-1], series.rss_bytes[-1])
    gaps = {later - earlier for earlier, later in itertools.pairwise(series.at_ns[:-1])}
    assert gaps == {8}


def test_the_peak_is_not_below_what_was_seen() -> None:
    meter = Scripted(Reading(10, 1), Reading(90, 2), Reading(30, 3))
    watched = _Watched("boot", meter)
    watched.sample(1)
    assert watched.frozen().peak_bytes is None
    meter.peak = 40
    watched.look_closer(1)
    for now_ns in (2, 3, 4):
        watched.sample(now_ns)
        watched.look_closer(now_ns)
    assert watched.frozen().peak_bytes == 90
