"""Judges one run of a test in which a fault struck at one point: did it end like the run without?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.judge import again
from pytest_celery_perf.judge.crashes import cause, remedy
from pytest_celery_perf.judge.subjects import Subject, shortened
from pytest_celery_perf.measure.lives import Fate, Life
from pytest_celery_perf.measure.outcomes import Classified, TaskClass, classify
from pytest_celery_perf.measure.rows import NO_LEEWAY, Leeway
from pytest_celery_perf.measure.state import differences, with_names
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.spec import FaultSweepBudget, IdempotentBudget, RerunBudget
from pytest_celery_perf.model.state import State
from pytest_celery_perf.model.sweep import PointResult, Rerun, Target
from pytest_celery_perf.model.verdict import Status

DIFFERENCES_SHOWN = 5
_HARMLESS = (TaskClass.COMPLETED, TaskClass.DUPLICATED, TaskClass.INDETERMINATE)
"""What a point may make of a task. How often it may begin is judged apart; a publish that the fault prevented is made
again by the task's next execution."""
_OUTBOUND = ("connect", "publish")


def comparable(run: Rerun) -> State:
    """Return what the databases held after a run, with the names of tasks in the places of their ids."""
    ids = {each.task_id: f"<id of {each.name}>" for each in run.history.publications}
    return with_names(run.state, ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A run in which a fault struck at one point, beside one in which nothing went wrong."""

    budget: RerunBudget
    target: Target
    reference: Rerun
    run: Rerun
    leeway: Leeway = NO_LEEWAY
    """What the databases may hold another of in each run."""
    root: Path | None = None
    """The folder that paths are shown relative to."""

    @property
    def point(self) -> Point:
        """Where."""
        return self.target.point

    @property
    def blows(self) -> list[Fault]:
        """The faults at that point, or that none struck since the task took another path."""
        return [each for each in self.run.history.faults if each.point == self.point.at and not each.consequence]

    @property
    def struck(self) -> bool:
        """Whether the fault struck."""
        return any(each.kind != "diverged" for each in self.blows)

    def subject(self, name: str) -> Subject:
        """Return the tasks of a name in the run."""
        found = tuple(each.life for each in classify(self.run.history) if each.life.name == name)
        return Subject(marker="", name=name, lives=found, history=self.run.history, root=self.root)


def judge_point(trial: Trial) -> PointResult:
    """Say what became of the test.

    * It ended like the reference run: its own assertions and the invariant hold, its tasks came to the same ends, and
      the databases hold the same.
    * Each task began, and each effect on others was tried, at most as often as the marker allows.
    """
    if not trial.struck:
        return PointResult(target=trial.target, status=Status.INCONCLUSIVE, outcome=_path(trial))
    if isinstance(trial.budget, IdempotentBudget):
        return _judge_again(trial, trial.budget)
    bad = [each for each in classify(trial.run.history) if _is_bad(each, trial)]
    counts = list(_counts(trial))
    differing = [*([trial.run.complaint] if trial.run.complaint else ()), *_differences(trial)]
    findings = [*dict.fromkeys(_told(each, trial) for each in bad), *counts, *differing]
    return PointResult(
        target=trial.target,
        status=Status.FAIL if findings else Status.PASS,
        outcome=_outcome(trial),
        findings=tuple(findings),
        fix=tuple(
            dict.fromkeys(
                (*_fix(bad, trial), *([_IDEMPOTENT] if differing and not bad else ()), *map(_on_purpose, counts))
            )
        ),
    )


def _judge_again(trial: Trial, budget: IdempotentBudget) -> PointResult:
    """Say what became of the test when a message was delivered twice: the same as of one delivery, without an error."""
    history, point, subject = trial.run.history, trial.point, trial.subject(trial.point.name)
    tasks = again.ids(history, point)
    errors = tuple(again.refusals(history, trial.reference.history, point, budget.refusals))
    meant = (TaskClass.OVERLAPPING, TaskClass.FAILED)  # of the deliveries: their errors are told one by one
    bad = [
        each
        for each in classify(history)
        if not (each.task_class in meant and each.life.task_id in tasks) and _is_bad(each, trial)
    ]
    made = sum(number for task_id, number in _effects(history, point.name).items() if task_id in tasks)
    usual = max(_effects(trial.reference.history, point.name).values(), default=0)
    over = [] if budget.outbound is None or made <= budget.outbound else [_over(made, budget.outbound)]
    differing = [*([trial.run.complaint] if trial.run.complaint else ()), *_differences(trial)]
    findings = [
        *dict.fromkeys(_told(each, trial) for each in bad),
        *dict.fromkeys(again.refused(error, subject) for error in errors),
        *over,
        *differing,
    ]
    return PointResult(
        target=trial.target,
        status=Status.FAIL if findings else Status.PASS,
        outcome=again.outcome(history, point) + ("" if made == usual else f"; outbound {made} instead of {usual}"),
        findings=tuple(findings),
        fix=tuple(again.remedies(errors, point, budget.refusals, differs=bool(differing), outbound=bool(over))),
    )


def _differences(trial: Trial) -> tuple[str, ...]:
    lines = differences(comparable(trial.reference), comparable(trial.run), trial.leeway)
    return shortened(lines, str, DIFFERENCES_SHOWN)


def _path(trial: Trial) -> str:
    if trial.blows:
        found = next(
            (
                each.expected
                for each in trial.run.history.points
                if each.task_id == trial.blows[0].task_id and each.at == trial.point.at and each.delivery == 1
            ),
            "something else",
        )
        return f"took another path: {found}"
    return "took another path, which never came here"


def _is_bad(each: Classified, trial: Trial) -> bool:
    if each.task_class in _HARMLESS:
        return False
    expected = {one.task_class for one in classify(trial.reference.history) if one.life.name == each.life.name}
    return each.task_class not in expected


def _told(each: Classified, trial: Trial) -> str:
    """Say what became of a task, without its id, which is another in each run."""
    who = "" if each.life.name == trial.point.name else f" {each.life.name}"
    subject = trial.subject(each.life.name)
    why = cause(each.life, subject).removeprefix("lost because ") or _skipped(each.life, subject) or each.reason
    return f"{each.task_class.upper()}{who}: {why}"


def _skipped(life: Life, subject: Subject) -> str:
    """Say that a task was not run again since it had stored its result, if that is why it was not.

    Source:
        ``on_failure`` in celery/worker/request.py, as of 5.7.
    """
    last, options = life.executions[-1] if life.executions else None, subject.options
    stored = last is not None and any(
        point.kind == "result"
        and (point.task_id, point.retries, point.delivery) == (last.task_id, last.retries, last.delivery)
        for point in subject.history.points
    )
    late = options is not None and options.acks_late
    return _STORED if life.fate is Fate.LOST and late and stored else ""


def _counts(trial: Trial) -> Iterator[str]:
    """Compare how often tasks began, and what they did to others, with what is allowed."""
    name = trial.point.name
    usual = max(_begun(trial.reference.history, name).values(), default=1)
    most = max(_begun(trial.run.history, name).values(), default=0)
    limit = usual + trial.budget.max_executions - 1
    if most > limit:
        yield f"executions {most} (budget ≤ {limit})"
    outbound = trial.budget.outbound
    if outbound is not None and (made := _outbound(trial)) > outbound:
        yield _over(made, outbound)


def _over(made: int, outbound: int) -> str:
    return f"outbound {made} (budget ≤ {outbound}): connections and messages, over all executions"


def _begun(history: History, name: str) -> Counter[str]:
    return Counter(each.task_id for each in history.named(name) if each.started)


def _effects(history: History, name: str) -> Counter[str]:
    """Count the effects on others of each task of a name; that it publishes itself again is none."""
    return Counter(
        point.task_id
        for point in history.points
        if point.name == name and point.kind in _OUTBOUND and not point.label.startswith(f"{name} to ")
    )


def _outbound(trial: Trial) -> int:
    """Count the effects on others of the task that did most; what a fault prevented was none."""
    counts = _effects(trial.run.history, trial.point.name)
    prevented = trial.point.kind in _OUTBOUND
    for blow in trial.blows:
        if prevented and blow.kind != "diverged" and blow.task_id is not None:
            counts[blow.task_id] -= 1
    return max(counts.values(), default=0)


def _outcome(trial: Trial) -> str:
    name = trial.point.name
    classes = [each for each in classify(trial.run.history) if each.life.name == name]
    begun = max(_begun(trial.run.history, name).values(), default=0)
    told = ", ".join(dict.fromkeys(str(each.task_class) for each in classes)) or "not published"
    return "; ".join((f"{told}, begun {begun}×", *_doubled(trial)))


def _doubled(trial: Trial) -> Iterator[str]:
    """Tell what was done to others more often than in the run in which nothing went wrong; the marker may allow it."""
    usual = max(_effects(trial.reference.history, trial.point.name).values(), default=0)
    if (made := _outbound(trial)) > usual:
        yield f"outbound {made} instead of {usual}"
    once, now = (_children(run.history, trial.point.name) for run in (trial.reference, trial.run))
    for name, times in now.items():
        if times > once[name]:
            yield f"{name} published {times}× instead of {once[name]}×"


def _children(history: History, name: str) -> Counter[str]:
    """Count, by their names, the tasks that are not of a name; their retries are none."""
    return Counter(each.name for each in history.publications if each.name != name and not each.retries)


def _fix(bad: list[Classified], trial: Trial) -> Iterator[str]:
    for each in bad:
        if isinstance(trial.budget, FaultSweepBudget) and each.task_class is TaskClass.FAILED:
            error = each.life.concluding.error if each.life.concluding else None
            kind = error.type.rpartition(".")[2] if error else "the error"
            yield f"retry it: autoretry_for=({kind},) in {trial.subject(each.life.name).decorator}"
        else:
            subject = trial.subject(each.life.name)
            yield from [_BEFORE_THE_RESULT] if _skipped(each.life, subject) else remedy(each.life, subject)


def _on_purpose(count: str) -> str:
    argument = "outbound=" if count.startswith("outbound") else "max_executions="
    return f"find out at the beginning what an earlier execution has done already, or raise {argument} on purpose"


_STORED = (
    "its result was stored, so that Celery did not run it again: what was to follow is left out, such as to tell its "
    "chord, whose callback never runs"
)
_BEFORE_THE_RESULT = (
    "no option of Celery closes that gap: what must happen belongs into the task's body, and something has to look "
    "after chords that never end"
)
_IDEMPOTENT = (
    "what was committed before the point is there when the task begins again: find it (a unique key, a state in the "
    "row, an INSERT … ON CONFLICT), or commit all of it at once (transaction.atomic)"
)
