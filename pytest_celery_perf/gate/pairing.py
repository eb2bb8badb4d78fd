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
    """All tests of both arms that the user has asked for."""

    pairs: tuple[Pair, ...]
    new: tuple[ArmTest, ...]
    """Those that only the head has."""
    removed: tuple[ArmTest, ...]
    """Those that only the base has."""

    @property
    def alone(self) -> tuple[Comparison, ...]:
        """What is said of those that only one arm has."""
        standings = (
            (Standing.NEW, "the base has no such test", self.new),
            (Standing.REMOVED, "the head has no such test", self.removed),
        )
        return tuple(
            Comparison(test=test.nodeid, standing=standing, reason=reason)
            for standing, reason, tests in standings
            for test in tests
        )


def pair(base: Sequence[ArmTest], head: Sequence[ArmTest]) -> Pairing:
    """Pair tests by name; those that are left by what they do, if only one of each arm does it.

    The user chooses among the tests of the head by the names that they have there: whatever they are called in the
    base, and whether it would be chosen by that, they have their pair. Nothing else of the head is compared.

    Args:
        base: The tests that the base offers.
        head: Those that the head offers.
    """
    named = {test.nodeid: test for test in base}
    known = {test.nodeid for test in head}
    fresh = [test for test in head if test.nodeid not in named]
    gone = [test for test in base if test.nodeid not in known]
    of_base, of_head = _unique(gone), _unique(fresh)
    renamed = {of_head[digest].nodeid: of_base[digest] for digest in of_head.keys() & of_base.keys()}
    others = {test.nodeid for test in renamed.values()}
    partners = {**named, **renamed}
    chosen = [test for test in head if test.selected]
    return Pairing(
        pairs=tuple(Pair(head=test, base=partners[test.nodeid]) for test in chosen if test.nodeid in partners),
        new=tuple(test for test in chosen if test.nodeid not in partners),
        removed=tuple(test for test in gone if test.selected and test.nodeid not in others),
    )


def _unique(tests: Sequence[ArmTest]) -> dict[str, ArmTest]:
    """Return the tests that no other one equals, by digest."""
    counts = Counter(test.digest for test in tests)
    return {test.digest: test for test in tests if counts[test.digest] == 1}
