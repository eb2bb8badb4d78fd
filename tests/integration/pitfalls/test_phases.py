from __future__ import annotations

import pytest

from tests.integration.pitfalls.session import Session, query_counts


def test_wrappers_do_not_pile_up(shop: Session) -> None:
    """Pitfall 1: an app's ``execute_wrapper`` pops the last one; the task asserts that it was its own, 25 times."""
    run = shop.passed("test_wrappers")
    assert run.succeeded == 25
    assert query_counts(run) == [2] * 25


@pytest.mark.parametrize("scene", ["test_hooks", "test_hooks_cold"])
def test_hooks_and_receivers_are_counted_apart(scene: str, shop: Session) -> None:
    """Pitfall 6: three hooks and two receivers query too; the order in which receivers connect makes no difference."""
    run = shop.passed(scene)
    assert (query_counts(run), query_counts(run, "hooks")) == ([3], [5])


def test_comments_are_no_difference(shop: Session) -> None:
    """Pitfall 19: a statement with another comment each time is one statement."""
    message = shop.failed("test_comments")
    assert "N+1 statements 1 (×5)" in message
    assert "/*" not in message


def test_the_instrument(shop: Session) -> None:
    """Pitfall 20: Django's own capture says four: BEGIN on SQLite, two statements, COMMIT. The budget is about two.

    The wrapper sees BEGIN, which is shown apart, and not COMMIT, which Django sends without a cursor.
    """
    run = shop.passed("test_instrument")
    statements = [use.sql.split()[0] for execution in run.history.executions for use in execution.queries]
    assert statements == ["BEGIN", "INSERT", "SELECT"]
