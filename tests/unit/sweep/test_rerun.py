"""What is told of a run that failed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from _pytest._code.code import ReprFileLocation

import pytest_celery_perf
from pytest_celery_perf.sweep.rerun import _broken, _complaints

OURS = str(Path(pytest_celery_perf.__file__).parent / "fixtures.py")


class Failed:
    """What a report tells of an error."""

    def __init__(self, path: str, message: str) -> None:
        self.reprcrash = ReprFileLocation(path, 15, message)


def told(message: str, *, path: str = "/shop/tests/test_pay.py", when: str = "call") -> str:
    report = pytest.TestReport(
        nodeid="test_pay.py::test_pay",
        location=("", None, ""),
        keywords={},
        outcome="failed",
        longrepr=cast("Any", Failed(path, message)),
        when=cast("Any", when),
    )
    (complaint,) = _complaints((report,), unfinished=False)
    return complaint


def test_a_check_in_one_line() -> None:
    message = "AssertionError: assert [1] == [2]\n  \n  At index 0 diff: 1 != 2"
    expected = "the test's own check failed: AssertionError: assert [1] == [2] (/shop/tests/test_pay.py:15)"
    assert expected == told(message)
    assert "the test's own check failed: without a word (/shop/tests/test_pay.py:15)" == told(" ")


def test_the_last_lines_of_a_worker_are_told_whole() -> None:
    """And not where we were when it ended."""
    error = "WorkerError: worker w@vm exited with status 3 before it was ready; its last lines:"
    lines = "    Traceback:\n    worker refuses: DATABASE_URL missing"
    assert f"its setup failed: {error}\n{lines}" == told(f"{error}\n{lines}\nMore.", path=OURS, when="setup")


def one_row(rows: list[int]) -> None:
    raise AssertionError(f"there are {len(rows)} rows\nof these:\n  {rows}" + "\nand so on" * 20)


def test_an_invariant_tells_all_it_has_to_say() -> None:
    item: Any = SimpleNamespace(funcargs={"rows": [1, 2]})
    first, *others = _broken(one_row, item)[0].splitlines()

    assert first == "the invariant one_row is broken: there are 2 rows"
    assert (["of these:", "  [1, 2]"], 9) == (others[:2], len(others))
