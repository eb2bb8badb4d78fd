from __future__ import annotations

import time

import pytest

from pytest_celery_perf.faults.lasting import Lasting, Ward


def test_what_lasts_ends_once() -> None:
    ended: list[str] = []
    with Lasting(lambda: ended.append("one")) as fault:
        during = fault.over
    fault.heal()
    assert (during, fault.over) == (False, True)
    assert ended == ["one"]


def test_the_latest_ends_first() -> None:
    ended: list[str] = []
    ward = Ward()
    for name in ("one", "two", "three"):
        ward.admit(Lasting(lambda name=name: ended.append(name)))  # type: ignore[misc]
    ward.heal()
    assert ended == ["three", "two", "one"]


def test_all_end_though_one_cannot() -> None:
    ended: list[str] = []
    ward = Ward()
    ward.admit(Lasting(lambda: ended.append("one")))
    ward.admit(Lasting(lambda: 1 / 0))
    with pytest.raises(ExceptionGroup, match="could not be undone"):
        ward.heal()
    assert ended == ["one"]


def test_what_has_lasted_long_enough_ends_by_itself() -> None:
    ended: list[str] = []
    ward = Ward()
    brief, long = (Lasting(lambda name=name: ended.append(name)) for name in ("brief", "long"))  # type: ignore[misc]
    ward.limit(ward.admit(brief), time.monotonic())
    ward.limit(ward.admit(long), time.monotonic() + 3600)
    ward.tend()
    assert (ended, brief.over, long.over) == (["brief"], True, False)
    ward.heal()
    assert ended == ["brief", "long"]
