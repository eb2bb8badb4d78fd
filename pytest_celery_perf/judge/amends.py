"""What would have made a test survive a fault at one point of its task: advice for the reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from pytest_celery_perf.judge.crashes import remedy
from pytest_celery_perf.judge.subjects import Subject, listed, place_of
from pytest_celery_perf.judge.trial import EFFECTS, Trial, effects
from pytest_celery_perf.measure.lives import Fate, Life
from pytest_celery_perf.measure.outcomes import Classified, TaskClass
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Point
from pytest_celery_perf.model.spec import FaultSweepBudget


def amends(trial: Trial, bad: Iterable[Classified], counts: Iterable[str], *, differs: bool) -> Iterator[str]:
    """Yield what the reader should change.

    Args:
        trial: The run.
        bad: The tasks that did not come to their usual ends.
        counts: What was done more often than the marker allows, as the verdict tells it.
        differs: Whether the test itself complained, or the databases hold something else.
    """
    bad = list(bad)
    for each in bad:
        yield from _for_task(each, trial)
    if differs and not bad:
        yield _for_rows(trial)
    for count in counts:
        yield _NOT_AGAIN if count.startswith("outbound") else _RETRIED_AGAIN if _retries(trial) else _BEGUN_AGAIN


def _for_task(each: Classified, trial: Trial) -> Iterator[str]:
    subject = trial.subject(each.life.name)
    if isinstance(trial.budget, FaultSweepBudget) and each.task_class is TaskClass.FAILED:
        error = each.life.concluding.error if each.life.concluding else None
        kind = error.type.removeprefix("builtins.") if error else "the error"
        yield f"retry it: autoretry_for=({kind},) in {subject.decorator}"
    else:
        yield from [_BEFORE_THE_RESULT] if skipped(each.life, subject) else remedy(each.life, subject)


def skipped(life: Life, subject: Subject) -> str:
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


def _for_rows(trial: Trial) -> str:
    """Say what would have made the test end as without the fault, where all tasks came to their usual ends."""
    if _swallowed(trial):
        where = trial.point.where
        place = f" at {place_of(where, trial.root)}" if where else ""
        return f"the error{place} was swallowed, and nobody tried again: let the task raise it, and retry it"
    if unsent := _unsent(trial):
        return _UNSENT.format(listed(unsent, 1))
    return _IDEMPOTENT


def _swallowed(trial: Trial) -> bool:
    """Tell whether a task that was to raise an error went on, and did not begin again after it."""
    raised = {each.task_id for each in trial.blows if each.kind == "raise"}
    attempts = Counter(
        each.task_id
        for each in trial.run.history.executions
        if each.task_id in raised and each.started and each.retries >= trial.point.retries
    )
    usual = [each for each in trial.reference.history.executions if each.task_id == trial.point.task_id]
    most = sum(each.started and each.retries >= trial.point.retries for each in usual)
    return any(attempts[each] <= most for each in raised if each)


def _unsent(trial: Trial) -> list[str]:
    """Return what tasks of the name sent to others without the fault, and not with it."""
    sent = _sent(trial.run.history, trial.point.name)
    if trial.point.kind in EFFECTS:
        sent[trial.point.kind, trial.point.label] -= 1  # it was written down, and prevented
    missing = _sent(trial.reference.history, trial.point.name) - sent
    return [f"the {'message of' if kind == 'publish' else 'call of'} {label}" for kind, label in missing]


def _sent(history: History, name: str) -> Counter[tuple[str, str]]:
    return Counter((each.kind, each.label) for each in effects(history, name))


def _retries(trial: Trial) -> bool:
    """Tell whether the task had published its own retry before the point."""

    def is_before(each: Point) -> bool:
        same = (each.task_id, each.retries) == (trial.point.task_id, trial.point.retries)
        return same and each.number < trial.point.number

    own = f"{trial.point.name} to "
    points = trial.reference.history.points
    return any(each.kind == "publish" and each.label.startswith(own) and is_before(each) for each in points)


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
_UNSENT = (
    "{} was never sent: what had been committed before it let the execution that followed return early. Have that send "
    "what it cannot know to be sent, which must do no harm twice, or write what is to be sent into a row of the same "
    "transaction, for another task to send"
)
_NOT_AGAIN = "find out at the beginning what an earlier execution has done already, or raise outbound= on purpose"
_BEGUN_AGAIN = (
    "each fault makes the task begin once more, if it is not to be lost: see that this does no harm, and raise "
    "max_executions= on purpose"
)
_RETRIED_AGAIN = (
    "the task had published its retry already and, begun again, publishes it again, so that both go on: see that this "
    "does no harm, and raise max_executions= on purpose"
)
