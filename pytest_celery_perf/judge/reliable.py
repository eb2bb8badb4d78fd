"""Judges ``celery_reliable``: whatever was done to them, the tasks ended as they should, once, and in time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pytest_celery_perf.judge import unstored, visibility
from pytest_celery_perf.judge.crashes import CANCEL, GIVE_UP, UNBOUNDED, UNENDING, cause, put_back, remedy, story
from pytest_celery_perf.judge.invariants import DEAD_WORKERS, EXECUTIONS, OVERLAPS, Ordeal, check
from pytest_celery_perf.judge.outdated import outdated
from pytest_celery_perf.judge.phrases import closest
from pytest_celery_perf.judge.production import in_production
from pytest_celery_perf.judge.subjects import Subject, judge_each, shortened
from pytest_celery_perf.measure.outcomes import Classified, TaskClass, classify, executions_of
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Outcome
from pytest_celery_perf.model.spec import ReliableBudget
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Verdict

MARKER = "celery_reliable"

_STORIES_SHOWN = 3


def judge(budget: ReliableBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge what became of the tasks of each name; `judge.invariants` says what must hold.

    Args:
        budget: What is demanded.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, judge_task)


def judge_task(budget: ReliableBudget, subject: Subject) -> Verdict:
    """Judge what became of the tasks of one name.

    Args:
        budget: What is demanded.
        subject: The tasks.
    """
    classified = tuple(each for each in classify(subject.history) if each.life.name == subject.name)
    ordeal = Ordeal(budget=budget, subject=subject, classified=classified)
    checks = tuple(check(ordeal))
    broken = {each.metric for each in checks if not each.ok}
    guilty = ordeal.guilty()
    evidence = [
        *dict.fromkeys(filter(None, (cause(each.life, subject) for each in guilty))),
        *shortened(guilty or _survivors(ordeal), lambda each: _told(each, ordeal), _STORIES_SHOWN),
        *_notes(ordeal),
    ]
    fix = [line for each in guilty for line in (*remedy(each.life, subject), *_declare(each, ordeal))]
    return subject.verdict(checks, evidence, [*fix, *unstored.advice(subject.lives), *_advice(broken, ordeal)])


def _declare(each: Classified, ordeal: Ordeal) -> Iterator[str]:
    """Say how a test expects a failure, unless it came since the task had to begin again, or was none of its own."""
    own = not (unstored.is_its_failure(each.life) or cause(each.life, ordeal.subject))
    if each not in ordeal.undeclared() or executions_of(each.life) > 1 or not own:
        return
    name = ordeal.failure(each.life)
    near = closest(name, ordeal.budget.declared_failures)
    yield f"if it may end so, declare it: declared_failures=[{name!r}]" + (
        f"; did you mean that by {near!r}?" if near else ""
    )


def _survivors(ordeal: Ordeal) -> list[Classified]:
    return [each for each in ordeal.classified if ordeal.blows(each.life)]


def _told(each: Classified, ordeal: Ordeal) -> str:
    hits = [(blow.at_ns, _named(blow)) for blow in ordeal.blows(each.life)]
    survived = each.task_class is TaskClass.COMPLETED and (hits or len(each.life.started) > 1)
    heading = "RECOVERED" if survived else each.task_class.upper()
    return f"{story(heading, each.life, hits, ordeal.subject)}; {each.reason}"


def _named(blow: Fault) -> str:
    return blow.kind + (f" at {blow.point}" if blow.point else "") + (f" ({blow.detail})" if blow.detail else "")


def _notes(ordeal: Ordeal) -> Iterator[str]:
    history = ordeal.subject.history
    unsure = ordeal.of(TaskClass.INDETERMINATE)
    if unsure:
        yield f"{len(unsure)} indeterminate, for example {unsure[0].life.label}: {unsure[0].reason}"
    yield from unstored.notes(ordeal.subject.lives, history)
    for each, state in ordeal.disagreeing():
        yield f"the result backend says {state} of {each.life.label}, but {each.reason}"
    for each in ordeal.of(TaskClass.LOST, TaskClass.STRANDED, TaskClass.POISON):
        if each.life.task_id in history.states:
            scheduled = history.end is not None and each.life.task_id in history.end.scheduled
            until = "until its ETA" if scheduled else "for ever"
            yield f"the result backend says {history.states[each.life.task_id]} of {each.life.label}, and will {until}"
    for death in history.faults:
        if death.kind == "worker-died":
            name = next((each.name for each in history.workers if each.boot == death.boot), "a worker")
            yield f"the worker {name} died, though nobody killed it ({death.detail})"
    yield from visibility.foreseen(ordeal.subject)
    recovered = [(took_s, life) for took_s, life in ordeal.recoveries_s() if took_s is not None]
    if recovered:
        longest_s, life = max(recovered, key=lambda each: each[0])
        yield f"recovery: {format_duration_s(longest_s)} from the first fault to the end of {life.label}"
        yield from in_production(history, [life for _, life in recovered])


def _advice(broken: set[str], ordeal: Ordeal) -> Iterator[str]:
    """Say what to change where an invariant is broken that is not about one task."""
    if broken & {TaskClass.POISON, EXECUTIONS} and put_back(ordeal.subject):
        yield UNBOUNDED
    elif TaskClass.POISON in broken:
        yield GIVE_UP
    if EXECUTIONS in broken and _timed_out(ordeal):
        yield UNENDING
    if OVERLAPS in broken:
        yield from _overlapping(ordeal)
    elif EXECUTIONS in broken:
        yield "after a fault a task may run again: make what it does idempotent, then allow it with max_executions="
    yield from visibility.advice(ordeal.subject)
    if DEAD_WORKERS in broken:
        yield "a supervisor must start the worker again; workers_alive=False if that is meant"
    if broken:
        yield from outdated(ordeal.subject)


def _overlapping(ordeal: Ordeal) -> Iterator[str]:
    """Say what keeps a delivery from running beside the one before it, or allows it to."""
    if _ran_on(ordeal):
        yield CANCEL
    yield "the broker delivered again what still ran: let the task take a lock, or make its writes idempotent"
    most = max(2, *(executions_of(each.life) for each in ordeal.classified))
    more = f", max_executions={most}" if most > ordeal.budget.max_executions else ""
    yield f"a task that does so already may run twice at once: allow it in the marker by overlap=True{more}"


def _ran_on(ordeal: Ordeal) -> bool:
    """Tell whether children ran on after the connection of their worker had broken.

    Where the broker itself was away, cancelling them may fail, and lose them.
    """
    options, faults = ordeal.subject.options, ordeal.subject.history.faults
    broken = any(each.disconnects and not each.kind.endswith("-broker") for each in faults)
    pools = {execution.pool for each in ordeal.classified for execution in each.life.started}
    return broken and pools == {"prefork"} and options is not None and options.acks_late


def _timed_out(ordeal: Ordeal) -> bool:
    """Tell whether a task was put back after it had failed, as only a time limit has it."""
    begun = (execution for each in ordeal.classified for execution in each.life.started)
    return any(execution.put_back and execution.outcome is Outcome.FAILED for execution in begun)
