"""Remembers which tests were found to break their lock file: a plugin may have them run again, with caches warm."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_celery_perf.judge.entries import found_before
from pytest_celery_perf.model.verdict import Verdict


class Attempts:
    """What was found in this pytest process, in which each attempt of a test runs, under pytest-xdist too."""

    def __init__(self) -> None:
        self._failed: dict[str, dict[str, Verdict]] = {}
        """By test and task."""

    def hold(self, nodeid: str, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
        """Have a test fail again as it has failed: what is counted is the same in each run, or it is not as locked.

        Args:
            nodeid: The test.
            verdicts: On its lock file, of this attempt.

        Returns:
            These, but of a task that has failed before and does not now, the verdict that it had.
        """
        failed = self._failed.setdefault(nodeid, {})
        now = {each.task: each for each in verdicts}
        again = {task: found_before(verdict) for task, verdict in failed.items() if task not in _failing(now)}
        failed |= _failing(now)
        return (*{**now, **again}.values(),)


def _failing(verdicts: dict[str, Verdict]) -> dict[str, Verdict]:
    return {task: verdict for task, verdict in verdicts.items() if verdict.failed}
