from __future__ import annotations

import pytest

from pytest_celery_perf.model.samples import GAUGES
from pytest_celery_perf.model.spec import CrashSweepBudget, DrillBudget, QueriesBudget, RetriesBudget, TestSpec
from pytest_celery_perf.probe.orders import FaultOrder
from pytest_celery_perf.runner.wishes import NO_WISHES, Wishes, wishes_of

ORDER = FaultOrder(key="k", task=None, do="kill-child", at="started")


def wishes(**spec: object) -> Wishes:
    return wishes_of(TestSpec(**{"workers": (), "budgets": (), **spec}), time_scale=0.5, measure=())  # type: ignore[arg-type]


def test_who_wishes_nothing_asks_for_a_record_alone() -> None:
    assert NO_WISHES.header("token", ()) == {"t": "token"}
    assert wishes(budgets=(QueriesBudget(max=3),)) == NO_WISHES


@pytest.mark.parametrize(
    ("spec", "asked"),
    [
        ({"budgets": (RetriesBudget(attempts=2),)}, {"scale": 0.5, "etas": True}),
        ({"budgets": (DrillBudget(drill="eta_beyond_visibility"),)}, {"scale": 0.5, "etas": True}),
        ({"budgets": (DrillBudget(drill="deploy"),)}, {}),
        ({"reruns": (CrashSweepBudget(),)}, {"scale": 0.5, "touch": True}),
        ({"isolated": True}, {"notice": True}),
        ({"closed": ("audit",)}, {"closed": ["audit"]}),
        ({"measure": ("garbage",)}, {"measure": ["garbage"]}),
    ],
)
def test_what_a_message_asks_for(spec: dict[str, object], asked: dict[str, object]) -> None:
    assert wishes(**spec).header("token", ()) == {"t": "token", **asked}


def test_what_is_watched_from_outside_asks_nothing_of_a_message() -> None:
    assert Wishes(measure=tuple(GAUGES)).header("token", ()) == NO_WISHES.header("token", ())


def test_faults_travel_with_it() -> None:
    (fault,) = NO_WISHES.header("token", (ORDER,))["faults"]
    assert FaultOrder(**fault) == ORDER
