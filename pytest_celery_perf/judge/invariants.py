"""What must hold of the tasks of one name, whatever was done to the workers, the broker and the network."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_celery_perf.judge import visibility
from pytest_celery_perf.judge.subjects import Subject, listed
from pytest_celery_perf.measure.cases import Case
from pytest_celery_perf.measure.lives import Deaths, Fate, Life
from pytest_celery_perf.measure.outcomes import Classified, TaskClass, executions_of
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.spec import ReliableBudget
from pytest_celery_perf.model.units import NS_PER_S, format_duration_s
from pytest_celery_perf.model.verdict import Check

OVERLAPS = "ran twice at once"
EXECUTIONS = "executions"
DEAD_WORKERS = "workers that died"
"""Metrics whose failure has advice of its own."""
_STATE_OF = {Fate.SUCCEEDED: "SUCCESS", Fate.FAILED: "FAILURE"}
"""What Celery's result backend says of a task that has come to such an end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordeal:
    """The tasks of one name, and what they must have survived."""

    budget: ReliableBudget
    subject: Subject
    classified: tuple[Classified, ...]

    def of(self, *classes: TaskClass) -> list[Classified]:
        """Return the tasks of some classes."""
        return [each for each in self.classified if each.task_class in classes]

    def undeclared(self) -> list[Classified]:
        """Return the tasks that failed otherwise than the marker declares."""
        return [each for each in self.of(TaskClass.FAILED) if not self._declared(each.life)]

    def _declared(self, life: Life) -> bool:
        error = life.concluding.error if life.concluding else None
        names = {error.type, error.type.rpartition(".")[2]} if error else {life.fate.value}
        return not names.isdisjoint(self.budget.declared_failures)

    def failure(self, life: Life) -> str:
        """Return the name by which the failure of a task can be declared."""
        error = life.concluding.error if life.concluding else None
        return error.type.rpartition(".")[2] if error else life.fate.value

    def guilty(self) -> list[Classified]:
        """Return the tasks that break an invariant, the worst class first."""
        bad = [*self.of(TaskClass.POISON, TaskClass.LOST, TaskClass.STRANDED), *self.undeclared()]
        bad += [] if self.budget.overlap else self.of(TaskClass.OVERLAPPING)
        bad += [each for each in self.classified if executions_of(each.life) > self.budget.max_executions]
        bad += [each for each, _ in self.disagreeing()]
        ranks = [*TaskClass]
        distinct = {each.life.task_id: each for each in bad}.values()
        return sorted(distinct, key=lambda each: ranks.index(each.task_class))

    def disagreeing(self) -> list[tuple[Classified, str]]:
        """Return the tasks of whose end the result backend says something else than the history, with what it says.

        Not those whose result could not be stored: no state of them was meant.
        """
        states = self.subject.history.states
        return [
            (each, state)
            for each in self.classified
            if (expected := _STATE_OF.get(each.life.fate))
            and (each.life.concluding is None or each.life.concluding.unstored is None)
            and (state := states.get(each.life.task_id, expected)) != expected
        ]

    def blows(self, life: Life) -> list[Fault]:
        """Return the faults that hit a task: those ordered for it, and others while it was open or held there."""
        ordered = (each for each in self.subject.history.faults if not each.harmless and not each.consequence)
        return [each for each in ordered if each.task_id == life.task_id or (each.task_id is None and _hit(life, each))]

    def recoveries_s(self) -> list[tuple[float | None, Life]]:
        """Return seconds from the first fault that hit each task to its end; None where it has none."""
        found: list[tuple[float | None, Life]] = []
        for each in self.classified:
            if blows := self.blows(each.life):
                ended_ns = each.life.concluding.ended_ns if each.life.concluding else None
                took_s = None if ended_ns is None else max(0, ended_ns - blows[0].at_ns) / NS_PER_S
                found.append((took_s, each.life))
        return found

    def overlapping(self) -> int:
        """Count the tasks of which two executions of one attempt ran at once."""
        history = self.subject.history
        deaths = Deaths.of(history)
        cases = (Case(life=each.life, history=history, deaths=deaths) for each in self.classified)
        return sum(any(case.overlaps()) for case in cases)


def _hit(life: Life, fault: Fault) -> bool:
    """Tell whether a fault that was meant for no task in particular came while a task was open.

    One that was meant for a worker must have come while that worker held the task.
    """
    if fault.boot is not None:
        spans = [(each.received_ns, each.ended_ns) for each in life.executions if each.boot == fault.boot]
    else:
        begun_ns = min((each.published_ns for each in life.publications), default=None)
        spans = [(begun_ns, life.concluding.ended_ns if life.concluding else None)]
    return any((begun_ns or 0) <= fault.at_ns <= (ended_ns or fault.at_ns) for begun_ns, ended_ns in spans)


def check(ordeal: Ordeal) -> Iterator[Check]:
    """Hold the tasks against all invariants that apply to them.

    What there must be none of, and is none of, shares one check.
    """
    absent = dict(_forbidden(ordeal))
    if none := [metric for metric, number in absent.items() if not number]:
        yield Check(metric=", ".join(none), budget="= 0", actual="0", ok=True)
    for metric, number in absent.items():
        if number:
            yield Check(metric=metric, budget="= 0", actual=f"{number}", ok=False)
    yield from _bounded(ordeal)
    yield from visibility.check(ordeal.subject)
    yield from _in_time(ordeal)


def _forbidden(ordeal: Ordeal) -> Iterator[tuple[str, int]]:
    """Count what there must be none of."""
    for each in (TaskClass.LOST, TaskClass.STRANDED, TaskClass.POISON):
        yield each.value, len(ordeal.of(each))
    declared = ordeal.budget.declared_failures
    yield f"failed otherwise than with {listed(declared)}" if declared else "failed", len(ordeal.undeclared())
    if not ordeal.budget.overlap:
        yield OVERLAPS, ordeal.overlapping()
    # A marker that names its task still answers for what the faults did to others.
    ids = {each.life.task_id for each in ordeal.classified}
    stuck = ordeal.subject.history.stuck_unacked
    yield "left in unacked", sum(ordeal.budget.task is not None or each in ids for each in stuck)
    if ordeal.budget.workers_alive:
        yield DEAD_WORKERS, sum(fault.kind == "worker-died" for fault in ordeal.subject.history.faults)
    if ordeal.subject.history.states:
        yield "states that are not so", len(ordeal.disagreeing())


def _bounded(ordeal: Ordeal) -> Iterator[Check]:
    most, limit = max((executions_of(each.life) for each in ordeal.classified), default=0), ordeal.budget.max_executions
    yield Check(metric=EXECUTIONS, budget=f"≤ {limit}", actual=f"{most}", ok=most <= limit)


def _in_time(ordeal: Ordeal) -> Iterator[Check]:
    recoveries_s = [took_s for took_s, _ in ordeal.recoveries_s()]
    limit_s = ordeal.budget.within_s
    if limit_s is not None and recoveries_s:
        known_s = [took_s for took_s in recoveries_s if took_s is not None]
        longest = format_duration_s(max(known_s)) if len(known_s) == len(recoveries_s) else "never"
        ok = longest != "never" and max(known_s) <= limit_s
        yield Check(metric="recovery", budget=f"≤ {format_duration_s(limit_s)}", actual=longest, ok=ok)
