"""The work that is always the same, and what is concluded from how long it takes."""

from __future__ import annotations

import pytest

from pytest_celery_perf.baseline import workload
from pytest_celery_perf.baseline.calibration import calibrate, calibration_of
from pytest_celery_perf.errors import BaselineError

MS = 1_000_000


def test_the_work_is_always_the_same() -> None:
    """All stored figures are divided by how long it takes: whoever changes it makes them worthless."""
    assert workload.work(50) == "e4284a654feead0fd7da9e213a7d1c42e6ab9c9b0644d03b6d7d4701f68cf238"
    assert workload.work(50) != workload.work(51)


def test_a_steady_machine() -> None:
    found = calibration_of([(20 * MS, 19 * MS)] * 40)
    assert (0.020, 0.019, 0.0, 40) == (found.wall_s, found.cpu_s, found.spread, found.repetitions)


def test_one_repetition_that_was_disturbed_is_no_matter() -> None:
    found = calibration_of([*[(20 * MS, 19 * MS)] * 39, (900 * MS, 19 * MS)])
    assert (0.020, 0.0) == (found.wall_s, found.spread)


def test_a_machine_that_changes_its_speed_is_not_steady() -> None:
    found = calibration_of([*[(20 * MS, 19 * MS)] * 20, *[(22 * MS, 19 * MS)] * 20])
    assert found.spread == pytest.approx(0.051, abs=1e-3)


def test_this_machine() -> None:
    found = calibrate()
    assert found.repetitions == workload.REPETITIONS
    assert min(found.wall_s, found.cpu_s) > 0


def test_work_that_cannot_be_done_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workload, "__file__", "/nowhere/workload.py")
    with pytest.raises(BaselineError, match=r"^the machine could not be calibrated: .*nowhere/workload\.py"):
        calibrate()
