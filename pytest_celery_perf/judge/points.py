"""Judges one run of a test in which a fault struck at one point: did it end like the run without?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from pytest_celery_perf.judge import again
from pytest_celery_perf.judge.amends import amends, skipped
from pytest_celery_perf.judge.crashes import cause
from pytest_celery_perf.judge.subjects import shortened
from pytest_celery_perf.judge.trial import EFFECTS, Trial, comparable, effects
from pytest_celery_perf.measure.outcomes import Classified, TaskClass, classify
from pytest_celery_perf.measure.state import differences
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import IdempotentBudget
from pytest_celery_perf.model.sweep import PointResult
from pytest_celery_perf.model.verdict import Status

DIFFERENCES_SHOWN = 5
_HARMLESS = (TaskClass.COMPLETED, TaskClass.DUPLICATED, TaskClass.INDETERMINATE)
"""What a point may make of a task. How often it may begin is judged apart; a publish that the fault prevented is made
again by the task's next execution."""


def judge_point(trial: Trial) -> PointResult:
    """Say what became of the test.

    * It ended like the reference run: its own assertions and the invariant hold, each task came to the same end as
      there, and the databases hold the same.
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
        fix=tuple(dict.fromkeys(amends(trial, bad, counts, differs=bool(differing)))),
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
    usual = _usual_effects(trial, tasks)
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
    expected = {one.task_class for one in trial.usual(each.life)}
    return each.task_class not in expected


def _told(each: Classified, trial: Trial) -> str:
    """Say what became of a task, without its id, which is another in each run."""
    who = "" if each.life.name == trial.point.name else f" {each.life.name}"
    subject = trial.subject(each.life.name)
    why = cause(each.life, subject).removeprefix("lost because ") or skipped(each.life, subject) or each.reason
    return f"{each.task_class.upper()}{who}: {why}"


def _counts(trial: Trial) -> Iterator[str]:
    """Compare how often tasks began, and what they did to others, with what is allowed."""
    name = trial.point.name
    begun, usual = _begun(trial.run.history, name), _begun(trial.reference.history, name)
    most = max(usual.values(), default=1)
    own, more = trial.own, trial.budget.max_executions - 1
    limits = {each: usual.get(own.get(each, ""), most) + more for each in begun}
    if beyond := [each for each in begun if begun[each] > limits[each]]:
        worst = max(beyond, key=lambda each: begun[each])
        yield f"executions {begun[worst]} (budget ≤ {limits[worst]})"
    outbound = trial.budget.outbound
    if outbound is not None and (made := _outbound(trial)) > outbound:
        yield _over(made, outbound)


def _over(made: int, outbound: int) -> str:
    return f"outbound {made} (budget ≤ {outbound}): connections and messages, over all executions"


def _begun(history: History, name: str) -> Counter[str]:
    return Counter(each.task_id for each in history.named(name) if each.started)


def _effects(history: History, name: str) -> Counter[str]:
    """Count the effects on others of each task of a name."""
    return Counter(point.task_id for point in effects(history, name))


def _usual_effects(trial: Trial, tasks: Collection[str]) -> int:
    """Count what a task that was delivered twice does to others where it is delivered once."""
    counts = _effects(trial.reference.history, trial.point.name)
    own = trial.own
    return max((counts[own[each]] for each in tasks if each in own), default=max(counts.values(), default=0))


def _outbound(trial: Trial) -> int:
    """Count the effects on others of the task that did most; what a fault prevented was none."""
    counts = _effects(trial.run.history, trial.point.name)
    prevented = trial.point.kind in EFFECTS
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
