"""What one run took: by task, by metric."""

from __future__ import annotations

import math

import pytest

from pytest_celery_perf.measure.taken import (
    DRAINED,
    ends_of,
    executions_per_task,
    paired_quantiles,
    samples_of,
    unsuccessful_share,
)
from pytest_celery_perf.model.figures import Figures, MemoryUse
from pytest_celery_perf.model.gate import GateMetric, TaskSample
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome
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
def test_every_execution_that_has_ended_counts_among_those_that_ended_alike(other: Execution) -> None:
    second = execution(retries=1, started=20, body=10)
    found = {each.end: each for each in samples_of(History(executions=(other, second)))}
    assert {end: each.figures[GateMetric.RUNTIME] for end, each in found.items()} == {
        "succeeded": pytest.approx((10 * MS,)),
        other.outcome: pytest.approx((7 * MS,)),
    }
    assert {end: each.tasks for end, each in found.items()} == {"succeeded": 1, other.outcome: 0}
    assert ends_of(found.values()) == {"succeeded", *({other.outcome} - {Outcome.RETRIED})}


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
    assert not [each for each in samples_of(history) if GateMetric.DRAIN in each.figures]


def test_what_drains_together_is_compared_with_what_ends_alike() -> None:
    ids = [f"t{number}" for number in range(DRAINED)]
    executions = (failed(ids[0]), *map(execution, ids[1:]))
    history = History(publications=tuple(map(publication, ids)), executions=executions)
    found = [each for each in samples_of(history) if GateMetric.DRAIN in each.figures]
    assert [(each.end, each.tasks) for each in found] == [("failed and succeeded", 0)]


def test_the_share_of_those_without_success_is_that_of_tasks() -> None:
    found = samples_of(History(executions=(failed("t1"), execution("t2"), retried("t3", countdown_s=0.0))))
    assert unsuccessful_share(found) == pytest.approx(1 / 3)
    assert {each.end: each.error is None for each in found if each.tasks} == {
        "failed": False,
        "succeeded": True,
        "unfinished": True,
    }


def test_a_task_that_is_ignored_has_not_failed_and_not_succeeded_either() -> None:
    found = samples_of(History(executions=(execution("t1", outcome=Outcome.IGNORED), execution("t2"))))
    assert unsuccessful_share(found) == 0.5
    assert math.isnan(unsuccessful_share([]))


def test_every_execution_of_a_task_counts_those_with_cold_caches_too() -> None:
    cold = retried(countdown_s=0.0, first_in_process=True)
    found = samples_of(History(executions=(cold, execution(retries=1), execution("t2"))))
    assert executions_per_task(found) == 1.5
    assert math.isnan(executions_per_task([]))


def test_what_ends_alike_is_compared() -> None:
    def samples(**figures_s: tuple[float, ...]) -> list[TaskSample]:
        return [TaskSample(task="a", figures={"runtime": each}, end=end) for end, each in figures_s.items()]

    works, fails = samples(succeeded=(2.0, 3.0, 4.0)), samples(failed=(1.0,))
    assert paired_quantiles(works, samples(succeeded=(5.0,)), "runtime") == (3.0, 5.0)
    assert paired_quantiles([*works, *fails], samples(succeeded=(5.0,)), "runtime") == (3.0, 5.0)
    both = paired_quantiles([*works, *fails], samples(succeeded=(5.0,), failed=(2.0,)), "runtime")
    assert list(both) == pytest.approx([(3.0 * 4 + 1.0 * 2) / 6, (5.0 * 4 + 2.0 * 2) / 6])
    retries = samples(retried=(1.0,))
    for base, head in ((works, fails), (works, []), ([*works, *retries], [*fails, *retries])):
        assert all(map(math.isnan, paired_quantiles(base, head, "runtime")))
