from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from pytest_celery_perf.gate.channel import GateError, Joined, LateError
from pytest_celery_perf.gate.contest import LATE
from pytest_celery_perf.gate.environment import HERE
from pytest_celery_perf.gate.meeting import Meeting, meet
from pytest_celery_perf.gate.ring import Ring, Sides
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.model.gate import ArmTest, Standing
from tests.unit.gate.arms import arm_test


@dataclass(slots=True)
class Seen:
    """An arm that has collected, or has not."""

    found: tuple[ArmTest, ...] | GateError

    def join(self, timeout_s: float) -> Joined:
        if isinstance(self.found, GateError):
            raise self.found
        return Joined(tests=self.found, environment={}, app_file="")


@dataclass(slots=True)
class Places:
    """In the place of a ring: what each arm finds where the user's paths lead, and everywhere."""

    base: tuple[ArmTest, ...] | GateError | None
    head: tuple[ArmTest, ...] | GateError
    all_of_base: tuple[ArmTest, ...] | GateError | None = None
    all_of_head: tuple[ArmTest, ...] | GateError | None = None
    astray: dict[str, str] = field(default_factory=dict)
    """Why nobody knows of tests whether the base has them: it has nowhere to run them."""
    log: list[str] = field(default_factory=list)

    def doubts(self, tests: Sequence[ArmTest]) -> dict[str, str]:
        return {test.nodeid: self.astray[test.nodeid] for test in tests if test.nodeid in self.astray}

    @property
    def sides(self) -> Sides:
        tree = Tree.itself(Path("/checkout"))
        return Sides(base=tree, head=tree, revision=None, environment=HERE, config={})

    def enter(self, stack: ExitStack, name: str, *, everywhere: bool = False) -> Seen | None:
        found = getattr(self, f"all_of_{name}" if everywhere else name)
        if found is None:
            return None
        name = f"{name}, everywhere" if everywhere else name
        return stack.enter_context(self._entered(name, Seen(found)))

    @contextmanager
    def _entered(self, name: str, seen: Seen) -> Iterator[Seen]:
        self.log.append(name)
        yield seen
        self.log.append(f"{name}: left")


def met(places: Places) -> tuple[Meeting, list[str]]:
    """What came of it, and the arms that were there before they all left."""
    with ExitStack() as stack:
        meeting = meet(stack, cast("Ring", cast("Any", places)))
        return meeting, [*places.log]


def standings(meeting: Meeting) -> dict[str, Standing]:
    return {each.test.partition("::")[2]: each.standing for each in meeting.alone}


NEW, OLD, SAME = arm_test("test_new", "same"), arm_test("test_old", "same"), arm_test("test_same")


def test_one_look_is_enough_where_all_have_their_pair() -> None:
    meeting, log = met(Places(base=(SAME, replace(OLD, selected=False)), head=(SAME, NEW), all_of_base=(OLD,)))
    assert [each.base.nodeid for each in meeting.pairs] == [SAME.nodeid, OLD.nodeid]
    assert log == ["base", "head"]


def test_a_test_is_found_where_the_users_paths_do_not_lead() -> None:
    """In the base, by the arm that then runs it; another test of that place is nobody's concern."""
    places = Places(base=None, head=(NEW,), all_of_base=(OLD, SAME), all_of_head=(NEW, SAME))
    meeting, log = met(places)
    assert [(each.head.nodeid, each.base.nodeid) for each in meeting.pairs] == [(NEW.nodeid, OLD.nodeid)]
    assert meeting.alone == ()
    assert cast("Any", meeting.base) == Seen((OLD, SAME))
    assert log == ["head", "base, everywhere", "head, everywhere", "head, everywhere: left"]


def test_the_first_base_gives_way() -> None:
    places = Places(base=(SAME,), head=(SAME, NEW), all_of_base=(OLD, SAME), all_of_head=(NEW, SAME))
    meeting, log = met(places)
    assert [each.base.nodeid for each in meeting.pairs] == [SAME.nodeid, OLD.nodeid]
    assert log[-1] == "base: left"


def test_what_the_head_still_has_elsewhere_was_not_moved() -> None:
    places = Places(base=(SAME,), head=(SAME, NEW), all_of_base=(OLD, SAME), all_of_head=(OLD, NEW, SAME))
    meeting, log = met(places)
    assert [each.base.nodeid for each in meeting.pairs] == [SAME.nodeid]
    assert standings(meeting) == {"test_new": Standing.NEW}
    assert log[-1] == "base, everywhere: left"


def test_the_head_is_not_asked_about_a_test_that_the_base_surely_has_not() -> None:
    meeting, log = met(Places(base=(), head=(NEW,), all_of_base=(SAME,)))
    assert standings(meeting) == {"test_new": Standing.NEW}
    assert log == ["base", "head", "base, everywhere", "base, everywhere: left"]


def test_a_base_that_cannot_be_searched() -> None:
    gone = arm_test("test_gone")
    meeting, _ = met(Places(base=(SAME, gone), head=(SAME, NEW), all_of_base=GateError("it broke")))
    assert [each.base.nodeid for each in meeting.pairs] == [SAME.nodeid]
    assert standings(meeting) == {"test_new": Standing.COMPARED, "test_gone": Standing.REMOVED}
    assert meeting.alone[0].reason == "whether the base has it is not known: it broke"


def test_a_base_that_has_a_test_and_nowhere_to_run_it() -> None:
    meeting, _ = met(Places(base=None, head=(NEW, SAME), astray={NEW.nodeid: "it has no such folder"}))
    assert standings(meeting) == {"test_new": Standing.COMPARED, "test_same": Standing.NEW}
    assert meeting.alone[0].reason == "it has no such folder"


def test_a_base_that_has_not_collected_when_the_time_is_over() -> None:
    meeting, _ = met(Places(base=LateError("it hangs"), head=(SAME, replace(NEW, selected=False))))
    assert meeting.pairs == ()
    assert [(each.test, each.standing, each.reason) for each in meeting.alone] == [
        (SAME.nodeid, Standing.COMPARED, f"{LATE}: it hangs")
    ]
