"""Judges ``celery_retries``: how often a task is tried, how long it asks to wait, how it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.judge.attempts import Retrying
from pytest_celery_perf.judge.backoff import Schedule, at_most, durations, is_exponential, is_fixed
from pytest_celery_perf.judge.countdowns import for_countdowns
from pytest_celery_perf.judge.remedies import for_attempts, for_final, provoke
from pytest_celery_perf.judge.subjects import Subject, all_ended, fates, judge_each, never_started
from pytest_celery_perf.measure.lives import Fate, Life
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import RetriesBudget
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_retries"

_LIVES_SHOWN = 2
_ENOUGH_TO_SEE_JITTER = 5
"""So many tasks with equal countdowns: had the delays been drawn at random, some would differ."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Finding:
    """One check with its grounds."""

    check: Check
    culprits: tuple[Life, ...] = ()
    evidence: tuple[str, ...] = ()
    fix: tuple[str, ...] = ()


def judge(budget: RetriesBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge the retries of each task name: every task of it must keep to the budget.

    Judged are the countdowns that the task *requested*; what was really waited is shown too.

    Args:
        budget: What is demanded.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    return judge_each(MARKER, budget, history, root, _judge_task)


def _judge_task(budget: RetriesBudget, subject: Subject) -> Verdict:
    if not any(life.started for life in subject.lives):
        return never_started(subject)
    retrying = Retrying.of(subject)
    findings = list(_findings(budget, retrying))
    ended = all_ended(subject)
    evidence = [line for finding in findings for line in finding.evidence]
    if ended:
        evidence += [fates(subject), *subject.history.diagnosis.splitlines()]
    evidence += _beyond_visibility(retrying)
    culprits = [life for finding in findings for life in finding.culprits] or [*subject.lives]
    for life in list(dict.fromkeys(culprits))[:_LIVES_SHOWN]:
        evidence += retrying.lines(life)
    return subject.verdict(
        [*ended, *(finding.check for finding in findings)],
        evidence,
        (line for finding in findings for line in finding.fix),
    )


def _findings(budget: RetriesBudget, retrying: Retrying) -> Iterator[_Finding]:
    if budget.attempts is not None:
        yield _attempts(budget.attempts, retrying)
    if budget.backoff is not None:
        yield _backoff(budget, retrying)
    if budget.countdowns_s is not None:
        yield _countdowns(budget, budget.countdowns_s, retrying)
    if budget.max_countdown_s is not None:
        yield _longest(budget, budget.max_countdown_s, retrying)
    if budget.jitter is not None:
        yield _jitter(budget.jitter, retrying)
    if budget.final is not None:
        yield _final(budget, budget.final, retrying.subject)


def _attempts(wanted: int, retrying: Retrying) -> _Finding:
    lives = retrying.subject.lives
    counts = sorted({life.attempts for life in lives})
    actual = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    wrong = [life for life in lives if life.attempts != wanted]
    check = Check(metric="attempts", budget=f"= {wanted}", actual=actual, ok=not wrong)
    return _Finding(check=check, culprits=tuple(wrong), fix=tuple(for_attempts(retrying, wanted, wrong)))


def _backoff(budget: RetriesBudget, retrying: Retrying) -> _Finding:
    wanted, schedule = str(budget.backoff), retrying.schedule
    needed = 1 if schedule else 2
    if retrying.most < needed:
        return _too_few("backoff", wanted, needed, retrying)
    if schedule:
        actual = f"exponential ({schedule.text(retrying.most)}{', drawn at random' if schedule.jitter else ''})"
        check = Check(metric="backoff", budget=wanted, actual=actual, ok=wanted == "exponential")
        return _Finding(check=check, fix=() if check.ok else tuple(for_countdowns(budget, retrying)))
    if _drawn_at_random(retrying):
        unknown = wanted == "exponential"
        actual = f"random: {retrying.text()}"
        check = Check(metric="backoff", budget=wanted, actual=actual, ok=unknown, unknown=unknown)
        doubt = "the task draws its countdowns itself, so that no formula can be told from them"
        return _Finding(check=check, evidence=(doubt,))
    wrong = tuple(life for life in retrying.subject.lives if not _grows_as(wanted, budget, retrying.requested_s(life)))
    check = Check(metric="backoff", budget=wanted, actual=retrying.text(), ok=not wrong)
    return _Finding(check=check, culprits=wrong, fix=tuple(for_countdowns(budget, retrying)) if wrong else ())


def _grows_as(wanted: str, budget: RetriesBudget, countdowns_s: tuple[float, ...]) -> bool:
    if len(countdowns_s) < 2:
        return True
    if wanted == "fixed":
        return is_fixed(countdowns_s)
    return is_exponential(countdowns_s, budget.max_countdown_s)


def _countdowns(budget: RetriesBudget, wanted_s: tuple[float, ...], retrying: Retrying) -> _Finding:
    if retrying.schedule and retrying.schedule.jitter:
        return _bounds(budget, wanted_s, retrying, retrying.schedule)
    wrong = tuple(life for life in retrying.subject.lives if not _equal(retrying, life, wanted_s))
    alike = bool(wrong) and durations(wanted_s) == retrying.text()
    check = Check(
        metric="countdowns",
        budget=f"= {durations(wanted_s, exact=alike)}",
        actual=retrying.text(exact=alike),
        ok=not wrong,
    )
    return _Finding(check=check, culprits=wrong, fix=tuple(_advice(budget, wanted_s, wrong, retrying)))


def _bounds(budget: RetriesBudget, wanted_s: tuple[float, ...], retrying: Retrying, schedule: Schedule) -> _Finding:
    """Judge random countdowns: what was drawn is chance, what could have been drawn is not."""
    within = all(at_most(schedule.bound_s(number), limit_s) for number, limit_s in enumerate(wanted_s))
    wrong = tuple(life for life in retrying.subject.lives if len(retrying.requested_s(life)) != len(wanted_s))
    check = Check(
        metric="countdowns",
        budget=durations(wanted_s, "≤ "),
        actual=schedule.text(retrying.most) or "none",
        ok=within and not wrong,
    )
    drawn = f"retry_jitter draws each countdown between 0 and its bound; drawn were {retrying.text()}"
    fix = [*_amount(wanted_s, wrong, retrying), *(() if within else for_countdowns(budget, retrying))]
    return _Finding(check=check, culprits=wrong, evidence=(drawn,), fix=tuple(fix))


def _advice(
    budget: RetriesBudget, wanted_s: tuple[float, ...], wrong: tuple[Life, ...], retrying: Retrying
) -> Iterator[str]:
    yield from _amount(wanted_s, wrong, retrying)
    if not all(retrying.asked_for(life, wanted_s) for life in wrong):
        yield from for_countdowns(budget, retrying)


def _amount(wanted_s: tuple[float, ...], wrong: tuple[Life, ...], retrying: Retrying) -> Iterator[str]:
    """Say what makes tasks retry as often as there are countdowns."""
    for life in wrong:
        asked = len(retrying.requested_s(life))
        if asked < len(wanted_s) and life.fate is not Fate.FAILED and not life.expired:
            yield f"{len(wanted_s)} countdowns need as many retries: {provoke(retrying.subject, len(wanted_s))}"
        elif asked != len(wanted_s):
            yield from for_attempts(retrying, len(wanted_s) + 1, [life])


def _longest(budget: RetriesBudget, limit_s: float, retrying: Retrying) -> _Finding:
    """Judge the longest countdown: requested, or still to come in the schedule of the task's options."""
    if not retrying.every:
        return _too_few("longest countdown", f"≤ {format_duration_s(limit_s)}", 1, retrying)
    schedule, options = retrying.schedule, retrying.subject.options
    requested_s = max(step.requested_s for step in retrying.every)
    longest_s, evidence = requested_s, ""
    if schedule and options:
        longest_s = max(requested_s, schedule.longest_s(options.max_retries))
        evidence = (
            f"requested up to {format_duration_s(requested_s)}; retry_backoff={options.retry_backoff:g}, "
            f"retry_backoff_max={options.retry_backoff_max_s:g} and max_retries={options.max_retries} come to "
            f"{format_duration_s(longest_s)}"
        )
    ok = at_most(longest_s, limit_s)
    alike = not ok and format_duration_s(longest_s) == format_duration_s(limit_s)
    check = Check(
        metric="longest countdown",
        budget=durations([limit_s], "≤ ", exact=alike),
        actual=durations([longest_s], exact=alike),
        ok=ok,
    )
    return _Finding(
        check=check,
        evidence=(evidence,) if evidence else (),
        fix=() if ok else tuple(for_countdowns(budget, retrying)),
    )


def _jitter(wanted: bool, retrying: Retrying) -> _Finding:
    if not retrying.every:
        return _too_few("jitter", "on" if wanted else "off", 1, retrying)
    schedule = retrying.schedule
    actual = schedule.jitter if schedule else _drawn_at_random(retrying)
    unknown = actual is None
    check = Check(
        metric="jitter",
        budget="on" if wanted else "off",
        actual="unknown" if unknown else "on" if actual else "off",
        ok=unknown or actual is wanted,
        unknown=unknown,
    )
    if unknown:
        few = f"the task chooses its countdowns itself: at least {_ENOUGH_TO_SEE_JITTER} tasks show whether they differ"
        fix: tuple[str, ...] = (f"celery_perf.run(…, times={_ENOUGH_TO_SEE_JITTER})",)
        return _Finding(check=check, evidence=(few,), fix=fix)
    if schedule:
        fix = (f"set retry_jitter={wanted} in {retrying.subject.decorator}",)
    elif wanted:
        fix = (f"retry_jitter needs retry_backoff and autoretry_for: set them in {retrying.subject.decorator}",)
    else:
        fix = ("the task draws its countdowns at random itself",)
    return _Finding(check=check, fix=() if check.ok else fix)


def _final(budget: RetriesBudget, wanted: str, subject: Subject) -> _Finding:
    wrong = tuple(life for life in subject.lives if life.fate != wanted)
    check = Check(metric="final state", budget=wanted, actual=fates(subject), ok=not wrong)
    return _Finding(
        check=check, culprits=wrong, fix=tuple(for_final(subject, wanted, budget.attempts)) if wrong else ()
    )


def _too_few(metric: str, wanted: str, needed: int, retrying: Retrying) -> _Finding:
    retries = {0: "never retried", 1: "unknown from 1 retry"}[retrying.most]
    check = Check(metric=metric, budget=wanted, actual=retries, ok=False)
    ended = [life for life in retrying.subject.lives if life.fate is Fate.FAILED or life.expired]
    fix = for_attempts(retrying, needed + 1, ended) if ended else (provoke(retrying.subject, needed),)
    return _Finding(check=check, fix=tuple(fix))


def _drawn_at_random(retrying: Retrying) -> bool | None:
    """Tell whether the same attempt of different tasks asked for different countdowns; None from too few tasks."""
    by_attempt: dict[int, list[float]] = {}
    for step in retrying.every:
        by_attempt.setdefault(step.execution.retries, []).append(step.requested_s)
    if any(not is_fixed(countdowns_s) for countdowns_s in by_attempt.values()):
        return True
    return False if max(map(len, by_attempt.values())) >= _ENOUGH_TO_SEE_JITTER else None


def _equal(retrying: Retrying, life: Life, wanted_s: tuple[float, ...]) -> bool:
    return len(retrying.steps[life.task_id]) == len(wanted_s) and retrying.asked_for(life, wanted_s)


def _beyond_visibility(retrying: Retrying) -> list[str]:
    limit_s = retrying.subject.history.visibility_timeout_s
    longest_s = max((step.requested_s for step in retrying.every), default=0.0)
    if limit_s is None or longest_s < limit_s:
        return []
    warning = (
        f"a countdown of {format_duration_s(longest_s)} reaches the visibility timeout ({format_duration_s(limit_s)}): "
        "in production Redis would deliver the waiting message to a second worker"
    )
    return [warning]
