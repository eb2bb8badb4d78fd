"""A worker that was forked from a preloaded process behaves like one that was not."""

from __future__ import annotations

import pytest

from tests.integration.worlds.town import Town


@pytest.mark.slow
def test_warm_and_cold_are_alike(town: Town) -> None:
    visit = town.visit("starts", env={"TOWN_VARIABLE": "of the environment"})
    visit.all_passed(16)
    assert visit.started_how("test_started_how[warm]") == ["warm"]
    assert visit.started_how("test_started_how[cold]") == ["cold (as asked)"]


def test_what_forbids_a_fork_is_said(town: Town) -> None:
    visit = town.visit("origins", "-k", "not gevent")
    assert visit.started_how("test_same_environment") == ["warm"]
    reason = "the variable TOWN_VARIABLE is not as it was when the app was imported"
    assert visit.started_how("test_changed_environment") == [f"cold ({reason})"]
    case = visit.inner.cases["test_warm_with_a_changed_environment"]
    assert case.outcome == "error"
    assert f"cannot be started warm: {reason}. Use start='auto' or 'cold'" in case.message


@pytest.mark.gevent
def test_a_warm_start_of_gevent_is_refused(town: Town) -> None:
    case = town.visit("origins", "-k", "gevent").inner.cases["test_warm_gevent"]
    assert case.outcome == "error"
    assert "cannot be started warm: gevent patches the standard library" in case.message
