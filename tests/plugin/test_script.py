"""Whatever a test with a script of faults fails of, it says from which seed, and how to have the same again."""

from __future__ import annotations

import pytest

from .inner import Inner

APP, SUITE = "plain", "script"


@pytest.mark.parametrize(
    "words",
    [
        (
            "seed=7: freeze for 0.46 s at start 1; freeze for 0.84 s at start 2",
            "the same again: pytest 'test_script.py::test_a_plain_assertion[7]'",
        ),
        ("seed=8: kill_child at start 2", "the same again: pytest test_script.py::test_a_verdict"),
        ("celery_faults.script: it was not played: publish tasks in its with block",),
        (
            "celery_faults.script: seed=8: none of its faults has struck (kill_child at start 2: no task was left",
            "publish 2 tasks or more in its with block",
        ),
    ],
    ids=["assertion", "verdict", "not played", "nothing struck"],
)
def test_a_failure_tells_the_seed(inner: Inner, words: tuple[str, ...]) -> None:
    assert [each for each in words if each not in inner.text] == [], inner.text


def test_who_passes_says_nothing(inner: Inner) -> None:
    assert {"test_without_a_failure"} == inner.passed
    assert "seed=10" not in inner.text
