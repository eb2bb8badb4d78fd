from __future__ import annotations

from pytest_celery_perf.gate.pairing import pair
from pytest_celery_perf.model.gate import Standing
from tests.unit.gate.arms import arm_test


def test_tests_are_paired_by_name() -> None:
    found = pair([arm_test("test_a"), arm_test("test_b")], [arm_test("test_b"), arm_test("test_a")])
    assert [(each.base.nodeid, each.head.nodeid) for each in found.pairs] == [
        ("test_a.py::test_b", "test_a.py::test_b"),
        ("test_a.py::test_a", "test_a.py::test_a"),
    ]
    assert found.alone == ()


def test_what_only_one_arm_has() -> None:
    found = pair([arm_test("test_old")], [arm_test("test_new")])
    assert found.pairs == ()
    assert [(each.test, each.standing) for each in found.alone] == [
        ("test_a.py::test_new", Standing.NEW),
        ("test_a.py::test_old", Standing.REMOVED),
    ]


def test_a_test_of_another_name() -> None:
    found = pair([arm_test("test_old", "same")], [arm_test("test_new", "same")])
    (renamed,) = found.pairs
    comparison = renamed.comparison()
    assert (comparison.standing, comparison.test, comparison.base_test) == (
        Standing.RENAMED,
        "test_a.py::test_new",
        "test_a.py::test_old",
    )
    assert found.alone == ()


def test_no_guess_among_equals() -> None:
    found = pair([arm_test("test_a", "same"), arm_test("test_b", "same")], [arm_test("test_c", "same")])
    assert found.pairs == ()
    assert {each.standing for each in found.alone} == {Standing.NEW, Standing.REMOVED}


def test_a_name_goes_before_what_a_test_does() -> None:
    found = pair([arm_test("test_a", "one"), arm_test("test_b", "two")], [arm_test("test_a", "two")])
    (same,) = found.pairs
    assert same.base.nodeid == same.head.nodeid
    assert same.comparison().changed
