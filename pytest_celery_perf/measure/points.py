"""Which points of a task a sweep tries, and in which order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.spec import RerunBudget
from pytest_celery_perf.model.sweep import Target

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a sweep tries."""

    targets: tuple[Target, ...]
    """In the order of the points."""
    left_out: tuple[tuple[str, Target], ...] = ()
    """(reason, point) of what it does not."""

    @property
    def all(self) -> int:
        """How many points there are."""
        return len(self.targets) + len(self.left_out)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that have them."""
        points = [*self.targets, *(target for _, target in self.left_out)]
        return tuple(dict.fromkeys(target.point.name for target in points))


def targets_of(history: History, task: str | None = None) -> tuple[Target, ...]:
    """Return the points of a run in which nothing went wrong, with the names by which a user asks for one.

    Args:
        history: Of that run.
        task: The task's name; None for every task. If several tasks have one name, the first one's points are meant:
            a fault strikes whichever of them comes there first.
    """
    first: dict[str, str] = {}
    for publication in sorted(history.publications, key=lambda publication: publication.published_ns):
        first.setdefault(publication.name, publication.task_id)
    points = [
        point
        for point in history.points
        if point.delivery == 1 and task in (None, point.name) and first.get(point.name, point.task_id) == point.task_id
    ]
    short = _short_names({point.name for point in points})
    order = list(first)
    points.sort(key=lambda point: (order.index(point.name) if point.name in order else -1, point.retries, point.number))
    return tuple(Target(id=_id(point, short[point.name]), point=point) for point in points)


def _id(point: Point, name: str) -> str:
    attempt = f"/{point.retries}" if point.retries else ""
    return f"{name}{attempt}:{point.number}"


def _short_names(names: set[str]) -> dict[str, str]:
    """Return the last part of each name, or all of it where two names have the same last part."""
    last = [name.rpartition(".")[2] for name in names]
    return {name: short if last.count(short) == 1 else name for name, short in zip(names, last, strict=True)}


def plan(targets: Iterable[Target], budget: RerunBudget, only: str = "") -> Plan:
    """Choose among points.

    Args:
        targets: All.
        budget: Says which kinds, and how many.
        only: The id of the one that the user wants; empty: all.
    """
    targets = tuple(targets)
    fitting = [target for target in targets if not budget.points or target.point.kind in budget.points]
    if only:
        wanted = tuple(target for target in fitting if target.id == only)
        rest = tuple(("points" if target.id == only else "point", target) for target in targets if target not in wanted)
        return Plan(targets=wanted, left_out=rest)
    chosen = set(fitting)
    if budget.sample is not None and budget.sample < len(fitting):
        chosen = set(random.Random(budget.seed).sample(fitting, budget.sample))
    return Plan(
        targets=tuple(target for target in targets if target in chosen),
        left_out=tuple(
            (f"sample={budget.sample}, seed={budget.seed}" if target in fitting else "points", target)
            for target in targets
            if target not in chosen
        ),
    )


def spread(items: Sequence[T]) -> list[T]:
    """Return items in an order of which every beginning is spread evenly over all of them.

    So what a sweep has tried when its time is up tells something of the whole task.

    Source:
        J. G. van der Corput's sequence: the digits of the number, in base 2, behind the point in reverse.
    """
    bits = max(1, (len(items) - 1).bit_length())
    return [items[number] for n in range(1 << bits) if (number := int(f"{n:0{bits}b}"[::-1], 2)) < len(items)]
