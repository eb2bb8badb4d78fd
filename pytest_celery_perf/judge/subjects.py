"""What a marker judges: the tasks of each name, and what to say where there are none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from pytest_celery_perf.judge.phrases import closest
from pytest_celery_perf.measure.lives import Fate, Life, lives
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Frame, TaskOptions
from pytest_celery_perf.model.spec import Budget
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Check, Status, Verdict

_EXPIRED = "expired"
SHOWN = 5
"""How many of the same kind are shown before the rest is only counted."""

AnyBudget = TypeVar("AnyBudget", bound=Budget)
Item = TypeVar("Item")


def place_of(frame: Frame, root: Path | None) -> str:
    """Print the place of a line of code.

    Args:
        frame: The line.
        root: The folder that paths are shown relative to; None for whole paths.
    """
    path = Path(frame.path)
    if root is not None and path.is_relative_to(root):
        path = path.relative_to(root)
    return f"{path}:{frame.line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """All tasks of one name in one test."""

    marker: str
    """The marker that judges them."""
    name: str
    lives: tuple[Life, ...]
    history: History
    root: Path | None = None
    """The folder that paths are shown relative to."""

    @property
    def options(self) -> TaskOptions | None:
        """The task's options; None if no worker told them."""
        return self.history.tasks.get(self.name)

    @property
    def decorator(self) -> str:
        """Where the reader finds the options: ``the decorator of charge (shop/tasks.py:20)``."""
        return f"the decorator of {self.function}"

    @property
    def function(self) -> str:
        """The task's function and where the reader finds it: ``charge (shop/tasks.py:20)``."""
        where = self.options.defined if self.options else None
        short = self.name.rpartition(".")[2]
        return short + (f" ({self.place(where)})" if where else "")

    def place(self, frame: Frame) -> str:
        """Print the place of a line of code."""
        return place_of(frame, self.root)

    def clock(self, at_ns: int | None) -> str:
        """Print a time as seconds since the test published its first task."""
        beginnings = [publication.published_ns for publication in self.history.publications]
        beginnings += [each.received_ns for each in self.history.executions if each.received_ns is not None]
        return "t=?" if at_ns is None else f"t={(at_ns - min(beginnings, default=at_ns)) / 1e9:.3f}s"

    def verdict(
        self,
        checks: Sequence[Check],
        evidence: Iterable[str] = (),
        fix: Iterable[str] = (),
        *,
        places: Iterable[Frame] = (),
        inconclusive: bool = False,
    ) -> Verdict:
        """Judge: one check that is not ok is a FAIL; what is unknown, or `inconclusive`, weighs only where all are."""
        failed = not all(check.ok for check in checks)
        unknown = inconclusive or any(check.unknown for check in checks)
        status = Status.FAIL if failed else Status.INCONCLUSIVE if unknown else Status.PASS
        advice = tuple(dict.fromkeys(fix)) if status is not Status.PASS else ()
        return Verdict(
            marker=self.marker,
            task=self.name,
            status=status,
            checks=tuple(checks),
            evidence=tuple(evidence),
            fix=advice,
            places=tuple(places) if status is not Status.PASS else (),
        )


def judge_each(
    marker: str,
    budget: AnyBudget,
    history: History,
    root: Path | None,
    judge_one: Callable[[AnyBudget, Subject], Verdict],
) -> tuple[Verdict, ...]:
    """Judge the tasks of the budget's name, or of every name in turn.

    Args:
        marker: Its name, for the verdicts.
        budget: What is demanded.
        history: What happened.
        root: The folder that paths are shown relative to.
        judge_one: Judges the tasks of one name, of which there is at least one.

    Returns:
        A verdict for each name; a failing one where there is nothing to judge.
    """
    subjects = subjects_of(marker, history, root)
    if budget.task is not None:
        subjects = tuple(subject for subject in subjects if subject.name == budget.task)
    if not subjects:
        return (nothing_to_judge(marker, budget.task, history),)
    return tuple(judge_one(budget, subject) for subject in subjects)


def nothing_to_judge(marker: str, task: str | None, history: History) -> Verdict:
    """Fail a marker whose task was not published, with what was.

    Args:
        marker: Its name.
        task: The name that it wants; None for any.
        history: Where there is none of it.
    """
    seen = tuple(dict.fromkeys(life.name for life in lives(history)))
    if seen:
        evidence = f"seen in this test: {listed(seen)}"
        near = closest(task or "", seen)
        fix = f"did you mean task={near!r}?" if near else "publish that task in the test, or name one of these"
    elif history.publications:
        tried = listed(dict.fromkeys(publication.name for publication in history.publications))
        evidence = f"publishing {tried} raised an exception, so there is nothing to judge"
        fix = "mend what made it raise: see the exception"
    else:
        evidence = "no task was published while this test ran, so there is nothing to judge"
        fix = (
            "publish it: task.delay(…), celery_perf.run(task), or what publishes it in your code; what waits for "
            "on_commit is sent only under @pytest.mark.django_db(transaction=True)"
        )
    check = Check(metric="published", budget="≥ 1", actual="0 times", ok=False)
    return Verdict(
        marker=marker, task=task or "any task", status=Status.FAIL, checks=(check,), evidence=(evidence,), fix=(fix,)
    )


def never_started(subject: Subject) -> Verdict:
    """Fail a marker whose task was published but not run by any worker."""
    tasks = len(subject.lives)
    check = Check(metric="started", budget=f"= {tasks}", actual=f"0 of {tasks}", ok=False)
    evidence = (fates(subject), *subject.history.diagnosis.splitlines())
    return subject.verdict((check,), evidence, _for_discarded(subject.lives))


def for_expired(life: Life) -> str:
    """Say what to do about an attempt that no worker began before its message had expired."""
    last = life.publications[-1]
    if not last.countdown_s or last.expires_s is None or last.expires_s > last.countdown_s:
        return "its message had expired when a worker took it: give it a later expires=, or let a worker be free sooner"
    due, expiry = format_duration_s(last.countdown_s), format_duration_s(last.expires_s)
    attempt = f"attempt {last.retries + 1} was to begin in {due}"
    return f"{attempt}, but its message expired in {expiry}: give it a later expires="


def _for_discarded(lives: Iterable[Life]) -> Iterator[str]:
    """Say what to do about tasks whose messages their worker threw away."""
    told = {_told_fate(life): life for life in lives}
    if _EXPIRED in told:
        yield for_expired(told[_EXPIRED])
    if Fate.REVOKED in told:
        yield "it was revoked before it began: does the test, or the code that it calls, mean to revoke it?"


def all_ended(subject: Subject) -> tuple[Check, ...]:
    """Return a failing check if tasks did not come to an end, since figures of the others would flatter."""
    tasks = len(subject.lives)
    ended = sum(life.fate not in (Fate.LOST, Fate.UNFINISHED) for life in subject.lives)
    return () if ended == tasks else (Check(metric="ended", budget=f"= {tasks}", actual=f"{ended}", ok=False),)


def fates(subject: Subject) -> str:
    """Count the tasks by what became of them: ``48 succeeded, 2 failed``."""
    counts = Counter(map(_told_fate, subject.lives))
    return ", ".join(f"{counts[fate]} {fate}" for fate in (*Fate, _EXPIRED) if counts[fate])


def _told_fate(life: Life) -> str:
    """Return what became of a task; one whose message had expired was revoked by nobody."""
    expired = life.fate is Fate.REVOKED and any(publication.expired for publication in life.publications)
    return _EXPIRED if expired else life.fate


def listed(items: Iterable[str], shown: int = SHOWN) -> str:
    """Join the first few, and count the rest."""
    every = list(items)
    more = f" and {len(every) - shown} more" if len(every) > shown else ""
    return ", ".join(every[:shown]) + more


def shortened(items: Sequence[Item], tell: Callable[[Item], str], shown: int = SHOWN) -> tuple[str, ...]:
    """Tell the first few, a line each, and in a last line how many more there are."""
    more = (f"… and {len(items) - shown} more",) if len(items) > shown else ()
    return (*map(tell, items[:shown]), *more)


def subjects_of(marker: str, history: History, root: Path | None) -> tuple[Subject, ...]:
    """Put the tasks of each name together, in the order in which the names were first seen."""
    by_name: dict[str, list[Life]] = {}
    for life in lives(history):
        by_name.setdefault(life.name, []).append(life)
    return tuple(
        Subject(marker=marker, name=name, lives=tuple(group), history=history, root=root)
        for name, group in by_name.items()
    )
