"""What one run took: by task, by metric."""

from __future__ import annotations

import pytest

from pytest_celery_perf.measure.taken import DRAINED, samples_of
from pytest_celery_perf.model.figures import Figures, MemoryUse
from pytest_celery_perf.model.gate import GateMetric
from pytest_celery_perf.model.history import History
from tests.unit.histories import crashed, execution, failed, publication, retried

MS = 1e-3


def figures(*executions: object, **fields: object) -> dict[str, tuple[float, ...]]:
    found = [each for each in executions if each is not None]
    history = History(executions=tuple(found), publications=(publication(),), **fields)  # type: ignore[arg-type]
    (sample,) = samples_of(history)
    return sample.figures


def test_one_execution() -> None:
    found = figures(execution(started=3, body=10, cpu_ns=4_000_000))
    ms = {GateMetric.RUNTIME: 10, GateMetric.CPU: 4, GateMetric.QUEUE: 3, GateMetric.END_TO_END: 13}
    assert {metric: sum(values) for metric, values in found.items()} == pytest.approx(
        {str(metric): each * MS for metric, each in ms.items()}
    )
    assert [len(values) for values in found.values()] == [1, 1, 1, 1]


def test_what_was_not_measured_is_absent() -> None:
    assert GateMetric.CPU not in figures(execution())
    assert GateMetric.MEMORY not in figures(execution())
    memory = MemoryUse(before_bytes=60, after_bytes=61, peak_bytes=70)
    assert figures(execution(figures=Figures(memory=memory)))[GateMetric.MEMORY] == (70.0,)


def test_each_task_apart() -> None:
    history = History(executions=(execution("t1", name="b"), execution("t2", name="a"), execution("t3", name="a")))
    assert [(each.task, len(each.figures[GateMetric.RUNTIME])) for each in samples_of(history)] == [("a", 2), ("b", 1)]


@pytest.mark.parametrize("other", [retried(countdown_s=0.0, started=2, body=7), failed(started=2, body=7)])
def test_every_execution_that_has_ended_counts(other: object) -> None:
    second = execution(retries=1, started=20, body=10)
    assert figures(other, second)[GateMetric.RUNTIME] == pytest.approx((7 * MS, 10 * MS))


def test_what_has_no_end_counts_for_nothing() -> None:
    assert figures(crashed(), execution(delivery=2, body=10))[GateMetric.RUNTIME] == pytest.approx((10 * MS,))


def test_cold_caches_count_where_there_are_no_others() -> None:
    cold = execution("t1", body=90, first_in_process=True)
    warm = execution("t2", body=10)
    assert figures(cold, warm)[GateMetric.RUNTIME] == pytest.approx((10 * MS,))
    assert figures(cold)[GateMetric.RUNTIME] == pytest.approx((90 * MS,))


@pytest.mark.parametrize("count", [DRAINED - 1, DRAINED])
def test_draining_is_of_many(count: int) -> None:
    ids = [f"t{number}" for number in range(count)]
    history = History(
        publications=tuple(publication(each, ms=number) for number, each in enumerate(ids)),
        executions=tuple(execution(each, started=20 + number, body=10) for number, each in enumerate(ids)),
    )
    (sample,) = samples_of(history)
    expected = ((20 + count - 1 + 10) * MS,) if count == DRAINED else ()
    assert sample.figures.get(GateMetric.DRAIN, ()) == pytest.approx(expected)


def test_nothing_drains_that_does_not_end() -> None:
    ids = [f"t{number}" for number in range(DRAINED)]
    executions = (crashed(ids[0]), *map(execution, ids[1:]))
    history = History(publications=tuple(map(publication, ids)), executions=executions)
    (sample,) = samples_of(history)
    assert GateMetric.DRAIN not in sample.figures
