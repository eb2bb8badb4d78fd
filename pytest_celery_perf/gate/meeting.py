"""Has the two arms collect, and finds out which tests they have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

from pytest_celery_perf.gate.channel import GateError, Joined, LateError
from pytest_celery_perf.gate.contest import LATE
from pytest_celery_perf.gate.pairing import Pair, Pairing, pair
from pytest_celery_perf.gate.peer import Arm
from pytest_celery_perf.gate.ring import BASE, HEAD, Ring
from pytest_celery_perf.gate.tree import check_origins
from pytest_celery_perf.model.gate import ArmTest, Comparison, Standing

JOIN_TIMEOUT_S = 300.0
"""Longer than any suite takes to be collected, and its workers to begin to start."""

_NOTHING = Joined(tests=(), environment={}, app_file="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """Two arms that have collected."""

    base: Arm | None
    """None if it has nothing of what the user wants to run."""
    head: Arm | None
    of_base: Joined
    of_head: Joined
    pairs: tuple[Pair, ...] = ()
    alone: tuple[Comparison, ...] = ()
    """What is said of the tests that have no pair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What came of looking everywhere."""

    base: Arm
    of_base: Joined
    pairing: Pairing


def meet(stack: ExitStack, ring: Ring) -> Meeting:
    """Start both arms, and pair their tests.

    Args:
        stack: Outlives the arms.
        ring: Where they meet.

    Raises:
        GateError: One of them does not start or cannot collect; or the head has not collected in time.
    """
    of_this_base = stack.enter_context(ExitStack())
    base, head = ring.enter(of_this_base, BASE), ring.enter(stack, HEAD)
    try:
        of_base = _joined(base)
    except LateError as error:
        of_head = _joined(head)
        silent = [test for test in of_head.tests if test.selected]
        alone = tuple(_undecided(test, _why(error)) for test in silent)
        return Meeting(base=None, head=head, of_base=_NOTHING, of_head=of_head, alone=alone)
    of_head = _joined(head)
    sides = ring.sides
    check_origins(of_base.app_file, of_head.app_file, sides.base, sides.base_label)
    pairing = pair(of_base.tests, of_head.tests)
    doubts: Mapping[str, str] = {}
    if pairing.new:
        try:
            found = _look_everywhere(stack, ring, of_base, of_head, pairing)
        except GateError as error:
            doubts = {test.nodeid: _why(error) for test in pairing.new}
        else:
            if found is None:
                doubts = ring.doubts(pairing.new)
            else:
                of_this_base.close()
                base, of_base, pairing = found.base, found.of_base, found.pairing
    alone = _alone(pairing, doubts)
    return Meeting(base=base, head=head, of_base=of_base, of_head=of_head, pairs=pairing.pairs, alone=alone)


def _joined(arm: Arm | None) -> Joined:
    return _NOTHING if arm is None else arm.join(JOIN_TIMEOUT_S)


def _look_everywhere(stack: ExitStack, ring: Ring, of_base: Joined, of_head: Joined, pairing: Pairing) -> _Found | None:
    """Find tests that have come from where the user's paths do not lead in the base.

    By another process, as pytest collects once: only if a test would be NEW otherwise, and the head only if the base
    has tests that do the same. Whether these are gone from the head, or still there, is what it must tell.

    Returns:
        None if there are none.

    Raises:
        GateError: It cannot be told.
    """
    with ExitStack() as attempt:
        base = ring.enter(attempt, BASE, everywhere=True)
        if base is None:
            return None
        seen = base.join(JOIN_TIMEOUT_S)
        check_origins(seen.app_file, of_head.app_file, ring.sides.base, ring.sides.base_label)
        tests = _with_others(of_base.tests, seen.tests)
        if len(pair(tests, of_head.tests).pairs) == len(pairing.pairs):
            return None
        with ExitStack() as brief:
            others = _joined(ring.enter(brief, HEAD, everywhere=True)).tests
        wider = pair(tests, _with_others(of_head.tests, others))
        if len(wider.pairs) == len(pairing.pairs):
            return None
        stack.push(attempt.pop_all())
        return _Found(base=base, of_base=replace(seen, tests=tests), pairing=wider)


def _with_others(asked: Sequence[ArmTest], seen: Sequence[ArmTest]) -> tuple[ArmTest, ...]:
    """Return the tests of an arm, and those for which nobody has asked."""
    known = {test.nodeid for test in asked}
    return (*asked, *(replace(test, selected=False) for test in seen if test.nodeid not in known))


def _alone(pairing: Pairing, doubts: Mapping[str, str]) -> tuple[Comparison, ...]:
    """Say of the tests that have no pair what they are.

    Args:
        pairing: What was found.
        doubts: Why nobody knows it, by the names of tests.
    """
    unknown = [_undecided(test, doubts[test.nodeid]) for test in pairing.new if test.nodeid in doubts]
    new = tuple(test for test in pairing.new if test.nodeid not in doubts)
    return (*unknown, *replace(pairing, new=new).alone)


def _why(error: GateError) -> str:
    return f"{LATE}: {error}" if isinstance(error, LateError) else f"whether the base has it is not known: {error}"


def _undecided(test: ArmTest, why: str) -> Comparison:
    """Say of a test that nobody knows what it is in the base."""
    return Comparison(
        test=test.nodeid,
        standing=Standing.COMPARED,
        reason=why,
        tolerance=test.budget.tolerance,
        noticeable=test.budget.noticeable,
    )
