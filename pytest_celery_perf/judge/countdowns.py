"""What to write so that a task asks for the countdowns that a marker demands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pytest_celery_perf.judge.attempts import Retrying, short_name
from pytest_celery_perf.judge.backoff import is_fixed, same
from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.model.record import TaskOptions
from pytest_celery_perf.model.spec import RetriesBudget
from pytest_celery_perf.model.units import format_duration_s


@dataclass(frozen=True, slots=True, kw_only=True)
class _Formula:
    """The countdowns that satisfy a marker, in Python and in options of a task, as far as there are any."""

    own: str
    """What ``self.retry(countdown=…)`` takes."""
    backoff: tuple[str, ...] = ()
    """The options with which ``retry_backoff`` comes to them, without those that the task has already."""
    by_backoff: bool = False
    """Whether it can."""
    delay: str = ""
    """The ``default_retry_delay`` that is it, where one is."""


def for_countdowns(budget: RetriesBudget, retrying: Retrying) -> Iterator[str]:
    """Say what makes a task ask for countdowns that satisfy all that a marker demands of them.

    Args:
        budget: What is demanded.
        retrying: What it asked for.

    Source:
        ``add_autoretry_behaviour`` in celery/app/autoretry.py: without ``retry_backoff`` an automatic retry waits
        ``default_retry_delay``, and a Retry that the task raises itself passes unchanged.
    """
    subject, options = retrying.subject, retrying.subject.options
    if options is None:
        return
    formula = _formula(budget, retrying, options)
    by_default = all(same(step.requested_s, options.default_retry_delay_s) for step in retrying.every)
    own, decorator = f"self.retry(countdown={formula.own})", subject.decorator
    if retrying.schedule:
        yield _instead_of_backoff(formula, retrying, options)
    elif options.autoretry and options.retry_backoff:
        yield (
            "the countdowns are not those of retry_backoff: a self.retry() of the task's own ignores it; "
            + (f"{_let_out(formula, decorator)}, or " if formula.by_backoff else "")
            + f"pass {own}"
        )
    elif options.autoretry and formula.by_backoff:
        ignored = "" if by_default else f"; a self.retry() of the task's own ignores it: there pass {own}"
        yield f"set {join(formula.backoff)} in {decorator}{ignored}"
    elif formula.by_backoff:
        settings = (f"autoretry_for=({_raised(retrying)},)", *formula.backoff)
        yield f"let the exception out and set {join(settings)} in {decorator}, or pass {own}"
    elif by_default and formula.delay:
        yield f"set default_retry_delay={formula.delay} in {decorator}, or pass self.retry(countdown={formula.delay})"
        return
    else:
        yield f"let the task catch the exception itself, and raise {own}" if options.autoretry else f"pass {own}"
    if any(same(step.requested_s, options.default_retry_delay_s) for step in retrying.every):
        default = format_duration_s(options.default_retry_delay_s)
        yield f"{default} is default_retry_delay, which a retry waits when no countdown is given"


def _instead_of_backoff(formula: _Formula, retrying: Retrying, options: TaskOptions) -> str:
    """Say what to do about countdowns that are those of ``retry_backoff``."""
    decorator = retrying.subject.decorator
    if formula.by_backoff:
        return f"set {join(formula.backoff)} in {decorator}"
    if not formula.delay:
        own = f"self.retry(countdown={formula.own})"
        return f"retry_backoff cannot come to these: let the task catch the exception itself, and raise {own}"
    if same(options.default_retry_delay_s, float(formula.delay)):
        default = format_duration_s(options.default_retry_delay_s)
        return f"remove retry_backoff from {decorator}: a retry then waits default_retry_delay, {default}"
    return f"remove retry_backoff from {decorator}, and set default_retry_delay={formula.delay} there"


def _let_out(formula: _Formula, decorator: str) -> str:
    changed = f" and set {join(formula.backoff)} in {decorator}" if formula.backoff else ""
    return f"let the exception out for autoretry_for{changed}"


def _raised(retrying: Retrying) -> str:
    raised = (short_name(step.execution.error.type) for step in retrying.every if step.execution.error)
    # A self.retry() without exc= is recorded as Celery's own Retry, which nobody can retry for.
    return next((name for name in raised if name != "Retry"), "ConnectionError")


def _formula(budget: RetriesBudget, retrying: Retrying, options: TaskOptions) -> _Formula:
    wanted_s, limit_s = budget.countdowns_s, budget.max_countdown_s
    if wanted_s and is_fixed(wanted_s) and budget.backoff != "exponential":
        return _Formula(own=_number(wanted_s[0]), delay=_number(wanted_s[0]))
    if wanted_s:
        return _listed(wanted_s, budget, options)
    if budget.backoff == "fixed":
        usual_s = options.default_retry_delay_s if retrying.schedule else round(retrying.every[0].requested_s, 2)
        seconds = _number(usual_s if limit_s is None else min(usual_s, limit_s))
        return _Formula(own=seconds, delay=seconds)
    factor_s = retrying.schedule.factor_s if retrying.schedule else 1
    if budget.backoff == "exponential" or limit_s is None or retrying.schedule:
        return _exponential(factor_s, limit_s, budget, options)
    return _Formula(own=f"min({_number(limit_s)}, …)", delay=_number(limit_s))


def _listed(wanted_s: tuple[float, ...], budget: RetriesBudget, options: TaskOptions) -> _Formula:
    """Find the exponential formula of some countdowns; else they are taken from a tuple."""
    first_s, last_s = wanted_s[0], wanted_s[-1]
    grown_s = [min(last_s, first_s * 2**retries) for retries in range(len(wanted_s))]
    capped = len(wanted_s) > 1 and same(wanted_s[-2], last_s)
    doubles = same(first_s * 2 ** (len(wanted_s) - 1), last_s)
    whole = first_s >= 1 and all(each == int(each) for each in wanted_s)
    if whole and (capped or doubles) and all(map(same, grown_s, wanted_s)):
        cap_s = last_s if capped or last_s > options.retry_backoff_max_s else budget.max_countdown_s
        return _exponential(int(first_s), cap_s, budget, options)
    # At its last attempt, too, the task asks for a retry, which Celery then refuses by raising.
    listed = ", ".join(map(_number, wanted_s))
    return _Formula(own=f"({listed})[min(self.request.retries, {len(wanted_s) - 1})]")


def _exponential(factor_s: int, cap_s: float | None, budget: RetriesBudget, options: TaskOptions) -> _Formula:
    grown = f"{factor_s} * 2 ** self.request.retries" if factor_s != 1 else "2 ** self.request.retries"
    changed = []
    if not options.retry_backoff or int(max(1.0, options.retry_backoff)) != factor_s:
        changed.append(f"retry_backoff={'True' if factor_s == 1 else factor_s}")
    if cap_s is not None and not same(options.retry_backoff_max_s, cap_s):
        changed.append(f"retry_backoff_max={_number(cap_s)}")
    if budget.jitter not in (None, options.retry_jitter):
        changed.append(f"retry_jitter={budget.jitter}")
    return _Formula(
        own=grown if cap_s is None else f"min({_number(cap_s)}, {grown})", backoff=tuple(changed), by_backoff=True
    )


def _number(seconds: float) -> str:
    return f"{int(seconds)}" if seconds == int(seconds) else f"{seconds}"
