"""Which points of a task a sweep tries, and in which order."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Point, Publication
from pytest_celery_perf.model.spec import RerunBudget
from pytest_celery_perf.model.sweep import Target
from pytest_celery_perf.probe.orders import way_on

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

    Tasks of one name may go several ways: then of each way but the first those points are meant that are beyond where
    it has parted from the ways before it, and a fault strikes whichever task comes there first by that way.

    Args:
        history: Of that run.
        task: The task's name; None for every task.
    """
    names = dict.fromkeys(each.name for each in _by_time(history))
    order = {name: number for number, name in enumerate(names)}
    attempts = _ways(history, task)
    short = _short_names({name for name, _ in attempts})
    return tuple(
        target
        for name, retries in sorted(attempts, key=lambda attempt: (order.get(attempt[0], -1), attempt[1]))
        for target in _targets(attempts[name, retries], short[name], retries)
    )


def _by_time(history: History) -> list[Publication]:
    return sorted(history.publications, key=lambda publication: publication.published_ns)


def _ways(history: History, task: str | None) -> dict[tuple[str, int], tuple[tuple[Point, ...], ...]]:
    """Return the ways that the attempts of tasks went, each once, by name and attempt; the first published come first.

    Two ways are the same if they touch the same, point by point.
    """
    runs: dict[str, dict[int, list[Point]]] = {each.task_id: {} for each in _by_time(history)}
    for point in history.points:
        if point.delivery == 1 and task in (None, point.name):
            runs.setdefault(point.task_id, {}).setdefault(point.retries, []).append(point)
    found: dict[tuple[str, int], dict[tuple[str, ...], tuple[Point, ...]]] = {}
    for attempts in runs.values():
        for retries, points in attempts.items():
            way = tuple(sorted(points, key=lambda point: point.number))
            same = found.setdefault((way[0].name, retries), {})
            same.setdefault(tuple(point.expected for point in way), way)
    return {attempt: tuple(ways.values()) for attempt, ways in found.items()}


def _targets(ways: tuple[tuple[Point, ...], ...], name: str, retries: int) -> Iterator[Target]:
    """Yield the points of an attempt: all of the first way, of each other one those beyond the ways before it."""
    seen: set[int] = set()
    for number, points in enumerate(ways, 1):
        head = f"{name}{f'#{number}' if number > 1 else ''}{f'/{retries}' if retries else ''}"
        come = 0
        for point in points:
            before, come = come, way_on(come, point.expected)
            if come not in seen:
                # Who acknowledges does not go on the way.
                way = before if point.kind == "acknowledgment" else come
                yield Target(id=f"{head}:{point.number}", point=point, way=way if len(ways) > 1 else 0)
            seen.add(come)


def _short_names(names: set[str]) -> dict[str, str]:
    """Return the last part of each name, or all of it where two names have the same last part."""
    last = [name.rpartition(".")[2] for name in names]
    return {name: short if last.count(short) == 1 else name for name, short in zip(names, last, strict=True)}


def is_sqlalchemys(point: Point, history: History) -> bool:
    """Tell whether a query or commit is one of SQLAlchemy: that library alone makes queries of its database.

    Args:
        point: Of a run.
        history: Of that run.
    """
    if point.kind not in ("query", "commit"):
        return False
    uses = {(use.library, use.alias) for each in history.executions for use in each.queries}
    there = {library for library, alias in uses if point.label == alias or point.label.startswith(f"{alias}: ")}
    return (there or {library for library, _ in uses}) == {"sqlalchemy"}


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
