"""Judges ``celery_recovery``: after the crash nothing is lost, stuck, or run too often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL, Signals
from typing import Self

from pytest_celery_perf.judge import unstored
from pytest_celery_perf.judge.crashes import UNBOUNDED, cause, put_back, remedy, story
from pytest_celery_perf.judge.production import AS_HERE, in_production, wait_in_production
from pytest_celery_perf.judge.subjects import Subject, judge_each, listed
from pytest_celery_perf.judge.survivors import instead, survived, undying
from pytest_celery_perf.measure.cases import Case
from pytest_celery_perf.measure.lives import Deaths, Fate, Life
from pytest_celery_perf.measure.outcomes import TaskClass, classify, executions_of
from pytest_celery_perf.measure.queries import body_queries
from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.spec import RecoveryBudget
from pytest_celery_perf.model.units import NS_PER_S, format_duration_ns, format_duration_s
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_recovery"

_STORIES_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crash:
    """The tasks of one name in a test in which something was killed."""

    budget: RecoveryBudget
    subject: Subject
    faults: tuple[Fault, ...]
    """The kills that the marker ordered, whichever task they hit; a signal may have been survived."""
    survived: tuple[Fault, ...]
    """Those of them that did not end their process."""
    classes: dict[str, TaskClass]
    """What became of each task of the test, by id."""

    @classmethod
    def of(cls, budget: RecoveryBudget, subject: Subject) -> Self:
        """Collect the kills."""
        ids = {life.task_id for life in subject.lives}
        kills = [
            fault
            for fault in subject.history.faults
            if fault.kind == f"kill-{budget.kill}"
            and fault.point in ("", budget.at)
            and (budget.task is None or fault.task_id is None or fault.task_id in ids)
        ]
        return cls(
            budget=budget,
            subject=subject,
            faults=tuple(sorted(kills, key=lambda fault: fault.at_ns)),
            survived=survived(kills, subject.history),
            classes={each.life.task_id: each.task_class for each in classify(subject.history)},
        )

    def heading(self, life: Life) -> str:
        """Say in a word what became of a task."""
        found = self.classes[life.task_id]
        recovered = found is TaskClass.COMPLETED and any(execution.crashed for execution in life.executions)
        return "RECOVERED" if recovered else found.upper()

    def hits(self, life: Life) -> tuple[Fault, ...]:
        """The kills that hit a task."""
        return tuple(fault for fault in self.faults if fault.task_id in (None, life.task_id))

    def blows(self, life: Life) -> list[tuple[int, str]]:
        """Tell of the kills that hit a task."""
        kill = self.budget.kill
        blow = "broker killed" if kill == "broker" else f"{Signals(self.budget.signal).name} to its {kill}"
        return [(hit.at_ns, f"{blow} at {hit.point or self.budget.at}") for hit in self.hits(life)]

    def recovery_s(self, life: Life) -> float | None:
        """Seconds from the first kill that hit a task to its end; None if it has none."""
        if life.concluding is None or life.concluding.ended_ns is None:
            return None
        return max(0, life.concluding.ended_ns - self.hits(life)[0].at_ns) / NS_PER_S

    @property
    def worker_deaths(self) -> tuple[Fault, ...]:
        """The ends of workers that nobody ordered, where it was the broker that was killed."""
        faults = self.subject.history.faults if self.budget.kill == "broker" else ()
        return tuple(fault for fault in faults if fault.kind == "worker-died")

    @property
    def hit(self) -> list[Life]:
        """The tasks that were hit."""
        return [life for life in self.subject.lives if self.hits(life)]

    @property
    def recovered(self) -> list[Life]:
        """The tasks that came to their end after a hit by more than signals which were survived."""
        bereft = (life for life in self.hit if not {*self.survived}.issuperset(self.hits(life)))
        return [life for life in bereft if self.recovery_s(life) is not None]


def judge(budget: RecoveryBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge what became of the tasks of each name.

    * Each task succeeded (or was ignored on purpose). Each that was hit did so in another
      process than the one that was killed, unless it had ended before that.
    * ``max_executions`` bounds how often a process began to run the same attempt.
    * ``within`` bounds the time from the kill to the end of the task, as it was measured
      here, where the visibility timeout is brought forward; what production would wait is
      told beside it.

    Args:
        budget: What was killed, and what is demanded.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: RecoveryBudget, subject: Subject) -> Verdict:
    crash = _Crash.of(budget, subject)
    kills = len(crash.faults) - len(crash.survived)
    happened = Check(
        metric=f"{budget.kill} killed at {budget.at}",
        budget=f"= {budget.times}×",
        actual=f"{kills}×",
        ok=kills >= budget.times,
    )
    if not crash.faults:
        return subject.verdict((happened,), _never_reached(budget, subject), _reach(budget, subject))
    checks = [happened, *_survived(crash), *_elsewhere(crash), *_bounded(crash), *_consequences(crash)]
    bad = [life for life in subject.lives if life.fate not in (Fate.SUCCEEDED, Fate.IGNORED)]
    told = (bad or crash.hit or list(subject.lives))[:_STORIES_SHOWN]
    evidence = [
        *dict.fromkeys(filter(None, (cause(life, subject) for life in bad))),
        *(story(crash.heading(life), life, crash.blows(life), subject) for life in told),
        *unstored.notes(subject.lives, subject.history),
        *_notes(crash),
        *(subject.history.diagnosis.splitlines() if bad else ()),
        *undying(crash.survived, budget, subject.history),
        *(() if len(crash.faults) >= budget.times else _never_reached(budget, subject)),
    ]
    fix = [line for life in bad for line in remedy(life, subject)]
    fix += unstored.advice(subject.lives)
    if crash.survived:
        fix.append(instead(budget))
    if put_back(subject) and any(executions_of(life) > budget.max_executions for life in subject.lives):
        fix.append(UNBOUNDED)
    return subject.verdict(checks, evidence, fix)


def _survived(crash: _Crash) -> Iterator[Check]:
    lives = crash.subject.lives
    lost = sum(crash.classes[life.task_id] is TaskClass.LOST for life in lives)
    yield Check(metric="lost", budget="= 0", actual=f"{lost}", ok=lost == 0)
    # A marker that names its task still answers for what the crash did to others.
    ids = {life.task_id for life in lives}
    stuck = [each for each in crash.subject.history.stuck_unacked if crash.budget.task is not None or each in ids]
    yield Check(metric="left in unacked", budget="= 0", actual=f"{len(stuck)}", ok=not stuck)
    ended = sum(life.fate in (Fate.SUCCEEDED, Fate.IGNORED) for life in lives)
    yield Check(metric="succeeded", budget=f"= {len(lives)}", actual=f"{ended}", ok=ended == len(lives))


def _elsewhere(crash: _Crash) -> Iterator[Check]:
    """Check that what was killed did not finish the task all the same; a worker that is told to shut down may."""
    if crash.budget.kill == "broker" or (crash.budget.kill == "worker" and crash.budget.signal != SIGKILL):
        return
    finished = [
        (life.concluding, hit)
        for life in crash.hit
        for hit in crash.hits(life)
        if life.concluding is not None and (life.concluding.ended_ns or 0) > hit.at_ns
    ]
    wrong = [execution for execution, hit in finished if _killed(execution, hit)]
    if finished:
        places = dict.fromkeys(f"process {each.pid} of {each.worker}" for each in wrong or [one for one, _ in finished])
        yield Check(metric="finished in", budget="another process", actual=listed(places, 2), ok=not wrong)


def _killed(execution: Execution, hit: Fault) -> bool:
    """Tell whether a kill was meant for the process that ran an execution."""
    return execution.boot == hit.boot and (hit.kind == "kill-worker" or execution.pid == hit.pid)


def _bounded(crash: _Crash) -> Iterator[Check]:
    most = max((executions_of(life) for life in crash.subject.lives), default=0)
    limit = crash.budget.max_executions
    yield Check(metric="executions", budget=f"≤ {limit}", actual=f"{most}", ok=most <= limit)
    if crash.budget.within_s is not None and crash.hit:
        times_s = [crash.recovery_s(life) for life in crash.hit]
        known_s = [time_s for time_s in times_s if time_s is not None]
        longest = format_duration_s(max(known_s)) if len(known_s) == len(times_s) else "never"
        yield Check(
            metric="recovery",
            budget=f"≤ {format_duration_s(crash.budget.within_s)}",
            actual=longest,
            ok=longest != "never" and max(known_s) <= crash.budget.within_s,
        )


def _consequences(crash: _Crash) -> Iterator[Check]:
    """Tell what passes here and would hurt in production: how long it waits, and workers that nobody starts again."""
    wait = wait_in_production(crash.subject.history, crash.recovered) if crash.recovered else AS_HERE
    if wait != AS_HERE:
        yield Check(metric="recovery in production", budget="shortened here", actual=wait, ok=True)
    if crash.worker_deaths:
        yield Check(metric="worker itself", budget="needs a supervisor", actual="died", ok=True)


def _notes(crash: _Crash) -> Iterator[str]:
    options = crash.subject.options
    for death in crash.worker_deaths:
        name = next((each.name for each in crash.subject.history.workers if each.boot == death.boot), "a worker")
        yield (
            f"the worker {name} died of it ({death.detail}): a new one was started here, as a supervisor does; "
            "without one nothing would run any more"
        )
    if recovered := crash.recovered:
        yield _duration(crash, max(recovered, key=lambda life: crash.recovery_s(life) or 0.0))
        yield from in_production(crash.subject.history, recovered)
        if options and not options.acks_late:
            yield "acks_late=False, and not lost only since it was not acknowledged yet, or over, when it was killed"
    deaths = Deaths.of(crash.subject.history)
    for life in crash.subject.lives:
        for first, second in Case(life=life, history=crash.subject.history, deaths=deaths).overlaps():
            yield (
                f"{life.label} ran twice at once: in process {first.pid} until {crash.subject.clock(first.ended_ns)}, "
                f"in process {second.pid} from {crash.subject.clock(second.started_ns)}"
            )


def _duration(crash: _Crash, life: Life) -> str:
    """Tell how long the slowest recovery took."""
    hit_ns, concluding = crash.hits(life)[0].at_ns, life.concluding
    waited_ns = (concluding.started_ns or hit_ns) - hit_ns if concluding else 0
    return (
        f"recovery: from the kill to the last start of {life.label} {format_duration_ns(max(0, waited_ns))}, "
        f"to its end {format_duration_s(crash.recovery_s(life) or 0.0)}"
    )


def _never_reached(budget: RecoveryBudget, subject: Subject) -> Iterator[str]:
    """Say how far the tasks got, where the kill did not happen as often as ordered."""
    executions = [execution for life in subject.lives for execution in life.executions]
    started = [execution for execution in executions if execution.started]
    if not executions:
        got = "no worker received it"
    elif not started:
        got = "it was received, but no process began to run it"
    elif budget.at.startswith("query:"):
        got = f"its body made {_most_queries(started)} queries at most"
    else:
        got = f"it was begun {len(started)}×, and ended {sum(each.ended_ns is not None for each in started)}×"
    yield f"at={budget.at!r} was not reached {budget.times}×: {got}"
    if not started:
        yield from subject.history.diagnosis.splitlines()


def _reach(budget: RecoveryBudget, subject: Subject) -> Iterator[str]:
    most = _most_queries([execution for life in subject.lives for execution in life.started])
    if budget.at.startswith("query:"):
        yield f"kill it at a query that it makes: at='query:{most}' is the last" if most else "use at='started'"


def _most_queries(executions: list[Execution]) -> int:
    return max(map(body_queries, executions), default=0)
