"""The same holds on every pool."""

from __future__ import annotations

import pytest

from tests.integration.worlds.town import Town, Visit

LOST = "test_kill_worker_with_early_acknowledgment"
HANGS = "test_stack"


def failures(visit: Visit) -> dict[str, str]:
    """Return the messages of the tests that failed."""
    return {name: case.message for name, case in visit.inner.cases.items() if case.outcome != "passed"}


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["Prefork", "Recycled"])
def test_processes(town: Town, pool: str) -> None:
    visit = town.visit("pools", "-k", f"Test{pool}")
    failed = failures(visit)
    assert failed.keys() == {LOST, "test_kill_child_with_early_acknowledgment", HANGS}, visit.inner.text
    assert "lost because it was acknowledged before it ran" in failed[LOST]
    assert "stock/tasks.py" in failed[HANGS]
    assert "in wait_for_nothing" in failed[HANGS]


@pytest.mark.slow
def test_threads(town: Town) -> None:
    visit = town.visit("pools", "-k", "TestThreads")
    failed = failures(visit)
    assert failed.keys() == {LOST, HANGS}, visit.inner.text
    assert "lost because it was acknowledged before it ran" in failed[LOST]
    assert "in wait_for_nothing" in failed[HANGS]


@pytest.mark.slow
def test_solo_acknowledges_late_whatever_the_task_says(town: Town) -> None:
    visit = town.visit("pools", "-k", "TestSolo")
    failed = failures(visit)
    assert failed.keys() == {HANGS}, visit.inner.text
    assert "in wait_for_nothing" in failed[HANGS]


@pytest.mark.slow
@pytest.mark.gevent
def test_gevent(town: Town) -> None:
    visit = town.visit("pools", "-k", "TestGevent")
    failed = failures(visit)
    assert failed.keys() == {LOST, HANGS}, visit.inner.text
    assert "lost because it was acknowledged before it ran" in failed[LOST]
    assert "in wait_for_nothing" in failed[HANGS]
    assert "celery/concurrency/gevent.py" not in failed[HANGS]
