"""What the tasks of a test do, counted exactly: the facts of a lock file, and how those of several runs become one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import reduce

TALLY = ("executions", "failures", "ignored", "rejected", "revoked", "retries")
"""What is counted of every task; one that does not appear did none of it."""
KINDS = ("cache", "calls", "outbound", "published", "queries")
"""What else is counted, by name, where it can be known."""
CALLS = "calls"
"""The kind whose names are environments, each with a count of its own: what runs in one does not speak of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """How often something happens: a number, or from a least to a most where runs differ."""

    least: int
    most: int

    @classmethod
    def exactly(cls, number: int) -> Bounds:
        """Say that it happens so often, neither more nor less."""
        return cls(least=number, most=number)

    @property
    def exact(self) -> bool:
        """Whether it is a number."""
        return self.least == self.most

    def __or__(self, other: Bounds) -> Bounds:
        return Bounds(least=min(self.least, other.least), most=max(self.most, other.most))

    def __add__(self, other: Bounds) -> Bounds:
        return Bounds(least=self.least + other.least, most=self.most + other.most)

    @property
    def told(self) -> str:
        """``3``, or ``2 to 4``."""
        return f"{self.least}" if self.exact else f"{self.least} to {self.most}"


NEVER = Bounds.exactly(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskFacts:
    """What all executions of one task in a test did together."""

    tally: dict[str, Bounds] = field(default_factory=dict)
    """By the names of `TALLY`; what never happens is absent."""
    kinds: dict[str, dict[str, Bounds]] = field(default_factory=dict)
    """By the names of `KINDS`: what, and how often. A kind that was not measured is absent, one of nothing is empty."""

    def __or__(self, other: TaskFacts) -> TaskFacts:
        """Cover both: what one of them has not measured, the other decides."""
        return TaskFacts(
            tally=_covering(self.tally, other.tally),
            kinds={kind: _of_kind(kind, self.kinds, other.kinds) for kind in sorted({**self.kinds, **other.kinds})},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TestFacts:
    """What the tasks of one test do."""

    __test__ = False  # pytest must not collect it

    tasks: dict[str, TaskFacts] = field(default_factory=dict)
    """By their names."""

    def __or__(self, other: TestFacts) -> TestFacts:
        """Cover both. Neither order nor repetition matters, so that processes may tell their facts as they come."""
        none = TaskFacts()
        return TestFacts(
            tasks={
                name: self.tasks.get(name, none) | other.tasks.get(name, none)
                for name in sorted({**self.tasks, **other.tasks})
            }
        )

    @property
    def unsteady(self) -> tuple[tuple[str, str, Bounds], ...]:
        """What is no number: (task, what, its bounds)."""
        return tuple(
            (name, what, bounds)
            for name, task in self.tasks.items()
            for what, bounds in _every(task)
            if not bounds.exact
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """The facts of one test module, as its lock file holds them."""

    databases: str = ""
    """The kinds of databases that answered the queries, such as ``sqlite``: another kind is asked otherwise."""
    tests: dict[str, TestFacts] = field(default_factory=dict)
    """By what follows the module's name in a test's id: ``TestOrders::test_paid[20]``."""

    def __or__(self, other: Lock) -> Lock:
        """Cover both, as the facts of tests do."""
        return Lock(
            databases=max(self.databases, other.databases),
            tests={
                name: joined(facts for each in (self, other) if (facts := each.tests.get(name)) is not None)
                for name in sorted({**self.tests, **other.tests})
            },
        )


class Standing(StrEnum):
    """How a test stands to its lock file."""

    SAME = "SAME"
    MORE = "MORE"
    """It does more of something, or something else: the test fails."""
    LESS = "LESS"
    """It does less, and nothing more: an improvement, which asks to be locked in."""
    NEW = "NEW"
    """Nothing is locked of it."""
    RENAMED = "RENAMED"
    """Nothing is locked of it, and it does exactly what is locked of a test that is gone."""
    REMOVED = "REMOVED"
    """Something is locked of it, and its module has no such test."""
    LOCKED = "LOCKED"
    """Its facts are written into the file by this run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LockNews:
    """What one test has to tell whoever writes lock files and sums up."""

    path: str
    """Of the lock file."""
    module: str
    """The name of the test module."""
    test: str
    """Its name in there."""
    nodeid: str
    standing: Standing
    databases: str = ""
    facts: TestFacts | None = None
    """What is to be written; None to leave the file as it is."""
    was: str = ""
    """Of one that was renamed: its name in the file."""


def joined(runs: Iterable[TestFacts]) -> TestFacts:
    """Cover the facts of several runs of a test, of which there is at least one."""
    return reduce(lambda one, other: one | other, runs)


def _covering(one: Mapping[str, Bounds], other: Mapping[str, Bounds]) -> dict[str, Bounds]:
    return {name: one.get(name, NEVER) | other.get(name, NEVER) for name in sorted({**one, **other})}


def _of_kind(
    kind: str, one: Mapping[str, dict[str, Bounds]], other: Mapping[str, dict[str, Bounds]]
) -> dict[str, Bounds]:
    if kind not in one or kind not in other:
        return dict(sorted({**one.get(kind, {}), **other.get(kind, {})}.items()))
    if kind != CALLS:
        return _covering(one[kind], other[kind])
    alone = {**one[kind], **other[kind]}
    both = one[kind].keys() & other[kind].keys()
    return {name: one[kind][name] | other[kind][name] if name in both else alone[name] for name in sorted(alone)}


def _every(task: TaskFacts) -> Iterable[tuple[str, Bounds]]:
    yield from task.tally.items()
    for kind, counts in task.kinds.items():
        yield from ((f"{kind} {name}", bounds) for name, bounds in counts.items())
