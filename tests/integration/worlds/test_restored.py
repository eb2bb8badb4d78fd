"""Tests of ours leave the app as they found it."""

from __future__ import annotations

from tests.integration.worlds.town import Town

BROKEN = {
    "test_3_ours_fails": "failed",
    "test_5_ours_fails_in_its_set_up": "error",
    "test_7_ours_has_no_workers": "error",
}


def test_ordinary_tests_see_nothing_of_ours(town: Town) -> None:
    visit = town.visit("restored")
    outcomes = {name: case.outcome for name, case in visit.inner.cases.items()}
    assert outcomes == dict.fromkeys(outcomes, "passed") | BROKEN, visit.inner.text
    assert len(outcomes) == 10
    message = visit.inner.cases["test_7_ours_has_no_workers"].message
    assert message.count("exited with status 1 before it was ready; its last lines:") == 1
    assert "No module named 'nowhere_to_be_found'" in message
