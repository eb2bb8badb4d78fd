"""What was published before a test began → text."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_celery_perf.model.early import EarlyTasks

_TRY = "try: publish in the test, or in a fixture of function scope: those are set up once the workers are there."


def early_text(early: Iterable[EarlyTasks]) -> str:
    """Tell of each fixture what it has published, and what to do.

    Args:
        early: What fixtures have published; empty: there is nothing to tell.
    """
    lines = [f"{each.fixture} (scope: {each.scope}) {_fate(each)}" for each in early]
    return "\n".join([*lines, f"  {_TRY}"]) if lines else ""


def _fate(early: EarlyTasks) -> str:
    names = ", ".join(early.tasks)
    if early.broker:
        return (
            f"published {names} before the test began: to the app's own broker, {early.broker}, from which no worker "
            "of the test takes it."
        )
    return f"ran {names} before the test began: in the tests' own process (task_always_eager, or .apply())."
