"""Faults: each strikes as often as it was ordered, whoever gets there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_celery_perf.probe.faults import Faults, Victim
from pytest_celery_perf.probe.journal import Journal
from pytest_celery_perf.probe.orders import FaultOrder, orders_for

VICTIM = Victim("token", "id", 1)


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    os.mkfifo(tmp_path / "doorbell")
    (tmp_path / "spool").mkdir()
    return Faults(str(tmp_path), Journal(str(tmp_path / "spool"), str(tmp_path / "doorbell"), "boot"))


def raising(times: int, error: str = "builtins:KeyError") -> FaultOrder:
    return FaultOrder(key="k", task=None, do="raise", at="body", times=times, error=error, args=("gone",))


def strikes(faults: Faults, order: FaultOrder) -> bool:
    try:
        faults.strike(order, VICTIM)
    except KeyError:
        return True
    return False


def test_a_fault_strikes_as_often_as_ordered(faults: Faults) -> None:
    assert [strikes(faults, raising(2)) for _ in range(4)] == [True, True, False, False]


def test_a_fault_strikes_the_executions_that_it_is_for(faults: Faults) -> None:
    order = replace(raising(1), nth=(2, 4))
    assert [strikes(faults, order) for _ in range(5)] == [False, True, False, True, False]


def test_what_strikes_the_nth_says_so(faults: Faults) -> None:
    order = replace(raising(1), nth=(2,))
    assert [faults.announce(order, VICTIM) for _ in range(2)] == [None, order.numbered(2)]
    assert (order.numbered(2).key, order.numbered(2).at) == ("k.2", "body 2")


def test_who_takes_another_path_leaves_the_fault_to_others(faults: Faults) -> None:
    order = replace(raising(1), at="touch:2", expect="query SELECT")
    found = ("commit", "query SELECT", "commit", "query SELECT")
    struck = [faults.announce(order, VICTIM, found=each) is not None for each in found]
    (written,) = (Path(faults._directory) / "spool").iterdir()

    assert struck == [False, True, False, False]
    assert written.read_text().count("diverged") == 1, "not after it has struck"


@pytest.mark.parametrize(
    ("do", "way", "late", "strikes"),
    [
        ("kill-worker", 0, True, True),
        ("kill-worker", 7, True, False),
        ("kill-worker", 7, False, True),
        ("again", 0, True, True),
        ("again", 7, False, False),
    ],
)
def test_an_acknowledgment_is_that_of_who_came_the_way(
    faults: Faults, do: str, way: int, late: bool, strikes: bool
) -> None:
    order = FaultOrder(key="k", task=None, do=do, at="acknowledgment", way=way)
    before = faults.strikes_acknowledgment(order, VICTIM, late=late)
    if way:
        faults.has_come(order, VICTIM)

    assert before is strikes
    assert faults.strikes_acknowledgment(order, VICTIM, late=late) is (strikes or do == "kill-worker")
    written = "".join(each.read_text() for each in (Path(faults._directory) / "spool").iterdir())
    assert ('"again","acknowledgment"' in written) is (do == "again" and way == 7), "whose second delivery may begin"


def test_many_threads_strike_no_more_often(faults: Faults) -> None:
    with ThreadPoolExecutor(8) as pool:
        struck = list(pool.map(lambda _: strikes(faults, raising(5)), range(40)))

    assert sum(struck) == 5


def test_tests_do_not_use_up_each_others_faults(faults: Faults) -> None:
    assert strikes(faults, raising(1))
    with pytest.raises(KeyError, match="gone"):
        faults.strike(raising(1), VICTIM._replace(token="another token"))


def test_an_exception_is_found_by_module_and_name(faults: Faults) -> None:
    order = raising(1, "subprocess:TimeoutExpired")

    with pytest.raises(subprocess.TimeoutExpired):
        faults.strike(FaultOrder(key="k", task=None, do="raise", at="body", error=order.error, args=("x", 1)), VICTIM)


def test_orders_are_for_one_task_or_for_all() -> None:
    header = {"t": "token", "faults": [{"key": "a", "task": "one", "do": "raise", "at": "query:7", "args": [1]}]}

    (order,) = orders_for(header, "one")
    assert (order.query, order.args) == (7, (1,))
    assert orders_for(header, "other") == ()
    assert orders_for({"t": "token"}, "one") == ()


def test_a_child_is_killed_after_its_fault_was_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "doorbell")
    (tmp_path / "spool").mkdir()
    script = (
        "import sys; from pytest_celery_perf.probe.faults import *;"
        "from pytest_celery_perf.probe.journal import Journal;"
        "d = sys.argv[1]; f = Faults(d, Journal(d + '/spool', d + '/doorbell', 'boot'));"
        "f.strike(FaultOrder(key='k', task=None, do='kill-child', at='started'), Victim('token', 'task-id', 1))"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)

    assert done.returncode == -signal.SIGKILL
    (file,) = (tmp_path / "spool").iterdir()
    assert '"kill-child","started","task-id"' in file.read_text()
    assert "survived" not in file.read_text()


def test_a_child_that_survives_its_signal_says_so(faults: Faults) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        order = FaultOrder(key="k", task=None, do="kill-child", at="started", signal=signal.SIGINT)
        faults.strike(order, VICTIM)
    finally:
        signal.signal(signal.SIGINT, before)
    (written,) = (Path(faults._directory) / "spool").iterdir()

    assert written.read_text().index('"kill-child","started"') < written.read_text().index('"survived","started"')
