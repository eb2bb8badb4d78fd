"""Finds out which test of the head is which of the base."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from pytest_celery_perf.model.gate import ArmTest, Comparison, GateMetric, Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A test that both arms have."""

    head: ArmTest
    base: ArmTest

    @property
    def renamed(self) -> bool:
        """Whether it has another name in the base."""
        return self.head.nodeid != self.base.nodeid

    @property
    def instruments(self) -> tuple[str, ...]:
        """What its first run on fresh workers is measured with."""
        return ("memory",) if GateMetric.MEMORY in self.head.budget.metrics else ()

    def comparison(self, standing: Standing = Standing.COMPARED, task: str = "", reason: str = "") -> Comparison:
        """Return what can be said of it, or of a task of it, before any figure.

        Args:
            standing: What became of it.
            task: A task's name; empty for the whole test.
            reason: Why that is all that will be said.
        """
        compared = standing is Standing.COMPARED
        return Comparison(
            test=self.head.nodeid,
            standing=Standing.RENAMED if compared and self.renamed else standing,
            task=task,
            base_test=self.base.nodeid if self.renamed else "",
            reason=reason,
            changed=self.head.digest != self.base.digest,
            tolerance=self.head.budget.tolerance,
            noticeable=self.head.budget.noticeable,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """All tests of both arms."""

    pairs: tuple[Pair, ...]
    alone: tuple[Comparison, ...]
    """Those that only one arm has."""


def pair(base: Sequence[ArmTest], head: Sequence[ArmTest]) -> Pairing:
    """Pair tests by name; those that are left by what they do, if only one of each arm does it.

    Args:
        base: The tests that the base offers.
        head: Those that the head offers.
    """
    named = {test.nodeid: test for test in base}
    pairs = {test.nodeid: Pair(head=test, base=named.pop(test.nodeid)) for test in head if test.nodeid in named}
    fresh = [test for test in head if test.nodeid not in pairs]
    once = _unique(fresh).keys() & (gone := _unique(list(named.values()))).keys()
    for test in fresh:
        if test.digest in once:
            pairs[test.nodeid] = Pair(head=test, base=named.pop(gone[test.digest].nodeid))
    new = [
        Comparison(test=test.nodeid, standing=Standing.NEW, reason="the base has no such test")
        for test in fresh
        if test.nodeid not in pairs
    ]
    removed = [
        Comparison(test=nodeid, standing=Standing.REMOVED, reason="the head has no such test") for nodeid in named
    ]
    return Pairing(pairs=tuple(pairs.values()), alone=(*new, *removed))


def _unique(tests: Sequence[ArmTest]) -> dict[str, ArmTest]:
    """Return the tests that no other one equals, by digest."""
    counts = Counter(test.digest for test in tests)
    return {test.digest: test for test in tests if counts[test.digest] == 1}
