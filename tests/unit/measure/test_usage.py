from __future__ import annotations

import pytest

from pytest_celery_perf.measure.growth import memory_growth
from pytest_celery_perf.measure.usage import rss_at, usage_of
from pytest_celery_perf.model.figures import Figures, MemoryUse
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.samples import Series, WorkerSamples
from tests.unit.histories import BOOT, at, execution, history

MIB = 1 << 20


def series(pid: int = 811, *, rss: dict[float, float], cpu_ms: tuple[float, ...] = (), **fields: object) -> Series:
    """Build the series of a process; `rss` has MiB by milliseconds."""
    cpu = zip((min(rss), max(rss)), cpu_ms, strict=False)
    return Series(
        pid=pid,
        at_ns=tuple(map(at, rss)),
        rss_bytes=tuple(round(mib * MIB) for mib in rss.values()),
        cpu=tuple((at(when), round(ms * 1e6)) for when, ms in cpu),
        **fields,  # type: ignore[arg-type]
    )


def samples(*every: Series, source: str = "proc") -> WorkerSamples:
    return WorkerSamples(boot=BOOT, source=source, series=every)


def test_processes_are_added_up_over_time() -> None:
    main = series(800, rss={0: 100, 50: 120}, peak_bytes=130 * MIB, uss=((at(0), 40 * MIB),))
    first = series(811, rss={0: 50, 20: 80}, peak_bytes=300 * MIB, gone_ns=at(30))
    second = series(812, rss={30: 40, 100: 60}, uss=((at(30), 10 * MIB), (at(90), 30 * MIB)))
    usage = usage_of(samples(main, first, second))
    assert usage is not None
    assert (180, 180, 300, 70) == tuple(
        (figure or 0) // MIB for figure in (usage.rss_bytes, usage.rss_max_bytes, usage.peak_bytes, usage.uss_bytes)
    )
    assert usage.processes == 3


def test_a_parent_has_the_cpu_time_of_its_dead_children() -> None:
    main = series(800, rss={0: 100, 100: 120}, cpu_ms=(5, 30))
    dead = series(811, rss={0: 50, 20: 80}, cpu_ms=(4, 6), gone_ns=at(30))
    born = series(812, rss={30: 40, 100: 60}, cpu_ms=(3, 13))
    usage = usage_of(samples(main, dead, born))
    assert usage is not None
    assert usage.cpu_s == pytest.approx(0.025 - 0.004 + 0.013)
    assert usage.cores == pytest.approx(0.34)


def test_where_it_has_not_their_last_looks_count() -> None:
    main = series(800, rss={0: 100, 100: 120}, cpu_ms=(5, 30))
    dead = series(811, rss={0: 50, 20: 80}, cpu_ms=(4, 6), gone_ns=at(30))
    usage = usage_of(samples(main, dead, source="psutil"))
    assert usage is not None
    assert usage.cpu_s == pytest.approx(0.025 + 0.002)


def test_a_main_process_that_is_gone_has_those_of_its_children_that_went_before() -> None:
    main = series(800, rss={0: 100, 100: 120}, cpu_ms=(5, 20), gone_ns=at(150))
    before = series(811, rss={10: 50, 20: 80}, cpu_ms=(1, 6), gone_ns=at(30))
    after = series(812, rss={30: 40, 100: 60}, cpu_ms=(3, 6), gone_ns=at(151))
    usage = usage_of(samples(main, before, after))
    assert usage is not None
    assert usage.cpu_s == pytest.approx(0.015 + 0.006)


def test_one_look_at_the_main_process_tells_nothing_of_its_time() -> None:
    usage = usage_of(samples(series(800, rss={0: 100}, cpu_ms=(5,)), series(811, rss={0: 50, 20: 80}, cpu_ms=(4, 6))))
    assert usage is not None
    assert (None, None) == (usage.cpu_s, usage.cores)


def test_what_nobody_knows_is_none() -> None:
    assert usage_of(None) is None
    assert usage_of(samples()) is None
    usage = usage_of(samples(series(rss={0: 1})))
    assert usage is not None
    assert (None, None, None, None) == (usage.peak_bytes, usage.uss_bytes, usage.cpu_s, usage.cores)


def test_peaks_that_only_executions_were_told() -> None:
    use = MemoryUse(before_bytes=50 * MIB, after_bytes=50 * MIB, peak_bytes=400 * MIB)
    told = [execution(figures=Figures(memory=use))]
    usage = usage_of(samples(series(rss={0: 50}, peak_bytes=60 * MIB)), told)
    assert usage is not None
    assert usage.peak_bytes == 400 * MIB


def test_memory_at_a_time_is_what_was_seen_last() -> None:
    seen = series(rss={0: 1, 10: 2})
    assert [None, MIB, MIB, 2 * MIB] == [rss_at(seen, at(ms)) for ms in (-1, 0, 9, 99)]


def runs(number: int, *, pid: int = 811, name: str = "shop.tasks.charge", first_ms: float = 0) -> list[Execution]:
    """Tasks of 5 ms, one every 10 ms."""
    return [
        execution(f"{pid}-{n}", received=first_ms + 10 * n, started=first_ms + 10 * n, body=5, pid=pid, name=name)
        for n in range(number)
    ]


def leaking(*series_of: Series, executions: list[Execution], source: str = "proc") -> History:
    return history(*executions, samples=(samples(*series_of, source=source),))


def test_a_leak_of_a_mebibyte_a_task() -> None:
    growth = memory_growth(leaking(series(rss={10 * n + 5: 50 + n for n in range(40)}), executions=runs(40)))
    assert growth is not None
    assert growth.bytes == pytest.approx(1000 * MIB)
    assert (growth.certain, growth.tasks, growth.processes) == (True, 36, 1)


def test_two_processes_have_one_slope() -> None:
    first = series(811, rss={10 * n + 5: 50 + n for n in range(40)})
    second = series(812, rss={10 * n + 5: 500 + 3 * n for n in range(40)})
    growth = memory_growth(leaking(first, second, executions=[*runs(40), *runs(40, pid=812)]))
    assert growth is not None
    assert growth.bytes == pytest.approx(2000 * MIB, rel=0.01)
    assert (growth.tasks, growth.processes) == (72, 2)


@pytest.mark.parametrize("noise", [0, 3])
def test_a_process_that_only_breathes(noise: float) -> None:
    breathing = series(rss={10 * n + 5: 50 + noise * (n * 7 % 5) for n in range(200)})
    growth = memory_growth(leaking(breathing, executions=runs(200)))
    assert growth is not None
    assert growth.low_bytes <= 0 <= growth.high_bytes
    assert not growth.certain


def test_a_warm_up_is_no_leak() -> None:
    warm = series(rss={0: 10, 5: 90})
    growth = memory_growth(leaking(warm, executions=runs(50)))
    assert growth is not None
    assert growth.bytes == 0


def test_a_container_is_one_series_for_all_its_processes() -> None:
    box = series(1, rss={10 * n + 5: 50 + n for n in range(40)})
    growth = memory_growth(leaking(box, executions=runs(40), source="cgroup"))
    assert growth is not None
    assert growth.bytes == pytest.approx(1000 * MIB)


def test_too_little_to_tell() -> None:
    assert memory_growth(history(*runs(40))) is None
    assert memory_growth(leaking(series(rss={0: 1, 5: 2}), executions=runs(5))) is None
    assert memory_growth(leaking(series(pid=1, rss={0: 1, 5: 2}), executions=runs(40))) is None


def test_of_one_task_alone() -> None:
    mine = series(811, rss={10 * n + 5: 50 + n for n in range(40)})
    mixed = series(812, rss={10 * n + 5: 50 + 9 * n for n in range(40)})
    other = [*runs(20, pid=812), *runs(20, pid=812, name="shop.tasks.report", first_ms=200)]
    growth = memory_growth(leaking(mine, mixed, executions=[*runs(40), *other]), task="shop.tasks.charge")
    assert growth is not None
    assert growth.processes == 1
    assert growth.bytes == pytest.approx(1000 * MIB)
