"""Builds stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pytest_celery_perf.model.baseline import Calibration, Standard, StoredFigure, StoredRun

TEST, TASK = "tests/test_shop.py::test_pay", "shop.tasks.pay"
BEGAN = datetime(2026, 11, 1, 12, tzinfo=UTC)
CALIBRATION = Calibration(wall_s=0.02, cpu_s=0.02, spread=0.01, repetitions=40)
ENVIRONMENT = {"python": "3.11.7", "celery": "5.7.0", "cpu": "AMD EPYC", "cores": "2", "platform": "Linux-6.1"}


def figures(**values: float) -> tuple[StoredFigure, ...]:
    """Build figures of one task in one test, by metric."""
    return tuple(StoredFigure(test=TEST, task=TASK, metric=metric, value=value) for metric, value in values.items())


def run(
    day: int = 0, *, slower: float = 1.0, environment: Mapping[str, str] = ENVIRONMENT, **values: float
) -> StoredRun:
    """Build a run.

    Args:
        day: After the first.
        slower: By how much the machine was, for figures and calibration alike.
        environment: Its environment.
        values: Of the metrics, on a machine that is not slower.
    """
    return StoredRun(
        created=(BEGAN + timedelta(days=day)).isoformat(),
        commit=f"c0ffee{day:02}",
        environment=dict(environment),
        calibration=replace(CALIBRATION, wall_s=CALIBRATION.wall_s * slower, cpu_s=CALIBRATION.cpu_s * slower),
        figures=figures(
            **{metric: value * (slower if metric in {"runtime", "cpu"} else 1) for metric, value in values.items()}
        ),
    )


def standard(runs: Sequence[StoredRun], **now: object) -> Standard:
    """Build what a run today is compared with."""
    return Standard(folder="perf-history", now=replace(run(30), **now), runs=tuple(runs))  # type: ignore[arg-type]
