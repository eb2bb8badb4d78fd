"""What a test does otherwise than its lock file says."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pytest_celery_perf.model.lock import CALLS, NEVER, TALLY, Bounds, Standing, TaskFacts, TestFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Something that a task does more or less often than is locked."""

    task: str
    kind: str
    """One of `model.lock.KINDS` or of `model.lock.TALLY`."""
    name: str
    """What it does; empty for a tally."""
    locked: Bounds
    seen: int

    @property
    def more(self) -> int:
        """How much more often than is locked at most."""
        return max(0, self.seen - self.locked.most)

    @property
    def less(self) -> int:
        """How much less often than is locked at least."""
        return max(0, self.locked.least - self.seen)


def differences(locked: TestFacts, seen: TestFacts) -> tuple[Difference, ...]:
    """Compare what a test did with what is locked.

    A kind that one of both does not know is not compared, nor is a count of calls from another environment.

    Args:
        locked: What is locked.
        seen: What it did, in one run.
    """
    none = TaskFacts()
    return tuple(
        difference
        for task in sorted({**locked.tasks, **seen.tasks})
        for difference in _of_task(task, locked.tasks.get(task, none), seen.tasks.get(task, none))
        if difference.more or difference.less
    )


def standing(locked: TestFacts, seen: TestFacts) -> Standing:
    """Say how a test stands to what is locked of it: `SAME`, `LESS`, or `MORE` as soon as anything is more."""
    found = differences(locked, seen)
    if any(each.more for each in found):
        return Standing.MORE
    return Standing.LESS if found else Standing.SAME


def former_name(name: str, seen: TestFacts, removed: Mapping[str, TestFacts]) -> str:
    """Return which of the tests that are gone a new one is, by what its tasks do; empty if it is none.

    Args:
        name: Of the new test.
        seen: What it did.
        removed: What is locked of those that are gone.
    """
    alike = [old for old, locked in removed.items() if locked.tasks and standing(locked, seen) is Standing.SAME]
    return max(alike, key=lambda old: (difflib.SequenceMatcher(None, old, name).ratio(), old), default="")


def _of_task(task: str, locked: TaskFacts, seen: TaskFacts) -> Iterator[Difference]:
    for name in TALLY:
        number = seen.tally.get(name, NEVER).most
        yield Difference(task=task, kind=name, name="", locked=locked.tally.get(name, NEVER), seen=number)
    for kind in sorted(locked.kinds.keys() & seen.kinds.keys()):
        was, now = locked.kinds[kind], seen.kinds[kind]
        for name in sorted(was.keys() & now.keys() if kind == CALLS else {**was, **now}):
            number = now.get(name, NEVER).most
            yield Difference(task=task, kind=kind, name=name, locked=was.get(name, NEVER), seen=number)
