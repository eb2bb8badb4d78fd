from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.gate.pairing import pair
from pytest_celery_perf.model.gate import ArmTest, Standing
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


def unasked(name: str, digest: str = "") -> ArmTest:
    """A test that the arm has, and that the user has not asked for."""
    return replace(arm_test(name, digest), selected=False)


def test_a_test_is_found_by_a_name_for_which_nobody_asked() -> None:
    """As of `-k new`, of a node id, or of a path that the base does not have."""
    found = pair([unasked("test_old", "same"), unasked("test_b")], [arm_test("test_new", "same"), unasked("test_b")])
    assert [(each.base.nodeid, each.head.nodeid) for each in found.pairs] == [
        ("test_a.py::test_old", "test_a.py::test_new")
    ]
    assert found.alone == ()


def test_what_the_head_still_has_is_not_taken_for_a_test_of_another_name() -> None:
    found = pair([unasked("test_old", "same")], [arm_test("test_copy", "same"), unasked("test_old", "same")])
    assert [(each.test, each.standing) for each in found.alone] == [("test_a.py::test_copy", Standing.NEW)]


def test_only_what_was_asked_for_is_compared_or_missed() -> None:
    """A test that only one version marks as slow is there in both."""
    base = [arm_test("test_a"), unasked("test_b"), unasked("test_gone"), arm_test("test_lost")]
    found = pair(base, [unasked("test_a"), arm_test("test_b"), unasked("test_more")])
    assert [each.head.nodeid for each in found.pairs] == ["test_a.py::test_b"]
    assert [(each.test, each.standing) for each in found.alone] == [("test_a.py::test_lost", Standing.REMOVED)]
