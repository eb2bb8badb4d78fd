"""How often a point is tried."""

from __future__ import annotations

from typing import Any, cast

import pytest

from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import CrashSweepBudget
from pytest_celery_perf.model.sweep import Rerun
from pytest_celery_perf.probe.orders import FaultOrder
from pytest_celery_perf.sweep.points import struck
from pytest_celery_perf.sweep.rerun import Pass, Rerunner
from tests.unit.histories import execution, fault, history, publication

SURVIVED = history(execution())
ASTRAY = history(
    execution(), publications=(publication("t2", confirmed=True),), faults=(fault("vanished", ms=50, task_id="t2"),)
)
"""Of the one task nothing is left; the other was struck."""


class Runs:
    """Has a test run as it is told beforehand."""

    def __init__(self, *histories: History) -> None:
        self.left = [*histories]

    def run(self, *_: object, **__: object) -> Pass:
        return Pass(reports=(), active=None, found=Rerun(history=self.left.pop(0)))


def tried(runs: Runs, do: str) -> History:
    order = FaultOrder(key="sweep", task=None, do=do, at="acknowledgment")
    return struck(cast("Rerunner", runs), CrashSweepBudget(), order, 1.0).found.history


@pytest.mark.parametrize(
    ("do", "histories", "left"),
    [
        pytest.param("kill-worker", (SURVIVED, SURVIVED), 1, id="once"),
        pytest.param("kill-worker", (ASTRAY, ASTRAY, SURVIVED, SURVIVED), 1, id="until no message went astray"),
        pytest.param("kill-worker", (ASTRAY, ASTRAY, ASTRAY, SURVIVED), 1, id="not for ever"),
        pytest.param("kill-child", (ASTRAY, SURVIVED), 1, id="a child takes no messages"),
    ],
)
def test_a_point_is_tried_again_if_chance_has_lost_another_message(
    do: str, histories: tuple[Any, ...], left: int
) -> None:
    runs = Runs(*histories)
    assert tried(runs, do) is histories[-left - 1]
    assert len(runs.left) == left
