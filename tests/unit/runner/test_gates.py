"""Gates: whoever is held goes on when his own is opened, and at the latest when all are closed."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pytest_celery_perf.probe.faults import Faults, Victim
from pytest_celery_perf.probe.journal import Journal
from pytest_celery_perf.probe.orders import FaultOrder
from pytest_celery_perf.runner.gates import Gates


def order(key: str, do: str = "hold") -> FaultOrder:
    return FaultOrder(key=key, task=None, do=do, at="started", times=2)


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    os.mkfifo(tmp_path / "doorbell")
    return Faults(str(tmp_path), Journal(str(tmp_path), str(tmp_path / "doorbell"), "boot"))


def test_each_goes_on_when_his_gate_is_opened(tmp_path: Path, faults: Faults) -> None:
    gates = Gates(str(tmp_path), "token")
    gates.build([order("one"), order("two")])
    with ThreadPoolExecutor(2) as pool:
        one, two = (pool.submit(faults.strike, order(key), Victim("token", key, 1)) for key in ("one", "two"))
        gates.open("one")
        one.result(timeout=10)
        assert not two.done()
        faults.strike(order("one"), Victim("token", "late", 1))  # an open gate holds nobody
        gates.close()
        two.result(timeout=10)
    assert list(tmp_path.glob("*.gate")) == []


def test_opening_twice_is_opening(tmp_path: Path) -> None:
    gates = Gates(str(tmp_path), "token")
    gates.build([order("one")])
    gates.open("one")
    gates.open("one")
    gates.close()
    assert list(tmp_path.iterdir()) == []


def test_only_what_holds_has_a_gate(tmp_path: Path) -> None:
    Gates(str(tmp_path), "token").build([order("one", "kill-child"), order("two", "outage")])
    assert [path.name for path in tmp_path.iterdir()] == ["token.two.gate"]


def test_whoever_gets_to_a_gate_may_wait_there(tmp_path: Path) -> None:
    gates = Gates(str(tmp_path), "token")
    before = os.umask(0o077)
    try:
        gates.build([order("one")])
    finally:
        os.umask(before)
    (gate,) = tmp_path.iterdir()
    assert 0o644 == stat.S_IMODE(gate.stat().st_mode), "a worker in a container may have another user"
    gates.close()
