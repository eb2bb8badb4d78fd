"""Whether more tasks came to nothing than in stored runs, against figures that were computed by hand."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from pytest_celery_perf.measure.successes import Failing, Successes, successes_of
from pytest_celery_perf.model.verdict import Status
from tests.unit.baseline.runs import TASK, TEST, figures

PASS, FAIL, INCONCLUSIVE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE


def of(unsuccessful: int, tasks: int = 6) -> Successes:
    return Successes(tasks=tasks, succeeded=tasks - unsuccessful)


@pytest.mark.parametrize(
    ("now", "stored", "status"),
    [
        (of(0), [of(0)] * 5, PASS),
        (of(6), [of(0)] * 5, FAIL),  # 1 in 1,947,792
        (of(6), [of(0)] * 4, INCONCLUSIVE),  # too few runs
        (of(2), [of(0)] * 20, INCONCLUSIVE),  # 1 in 525
        (of(3), [of(0)] * 20, FAIL),  # 1 in 15,500
        (of(1), [of(0)] * 20, INCONCLUSIVE),
        (of(1, tasks=1), [of(0, tasks=1)] * 20, INCONCLUSIVE),
        (of(6), [of(6)] * 5, PASS),
        (of(0), [of(6)] * 5, PASS),
        (of(2), [of(1), of(3), of(2), of(0), of(2)], PASS),
        (of(6), [of(0)] * 19 + [of(6)], INCONCLUSIVE),  # one bad run excuses nothing, and proves nothing
        (of(6), [], PASS),
        (of(5, tasks=20_000), [of(0, tasks=20_000)] * 20, FAIL),
    ],
)
def test_what_is_decided(now: Successes, stored: Sequence[Successes], status: Status) -> None:
    found = Failing.of(now, stored, 0.001)
    assert (status, status is not PASS) == (found.status, found.more)


def test_shares_are_those_of_the_stored_runs() -> None:
    found = Failing.of(of(6), [of(0), of(3, tasks=4)], 0.001)
    assert (2, 0.3, 0.75, 1.0) == (found.runs, found.usual, found.most, found.now.share)


def test_without_a_task_nothing_fails() -> None:
    assert Failing.of(of(0, tasks=0), [of(0)] * 5, 0.001).status is PASS


def test_what_figures_tell() -> None:
    assert {(TEST, TASK): of(2)} == successes_of(figures(runtime=0.02, tasks=6, succeeded=4))
    assert successes_of(figures(runtime=0.02, executions=6)) == {}
