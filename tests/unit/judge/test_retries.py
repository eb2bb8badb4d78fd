"""celery_retries judges attempts, requested countdowns and the end, and says which option is missing."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.judge.retries import judge
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome, Publication
from pytest_celery_perf.model.spec import RetriesBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NAME, error, execution, failed, history, options, publication, retried

DECORATOR = "the decorator of charge (/app/shop/tasks.py:20)"


def tries(*countdowns_s: float, task_id: str = "t1", last: str = "succeeded", **fields: Any) -> list[Execution]:
    """A task that asked for these countdowns, and then ended."""
    asked = [
        retried(task_id, countdown_s=each, retries=number, received=10 * number + 1, started=10 * number + 2, body=1)
        for number, each in enumerate(countdowns_s)
    ]
    number = len(countdowns_s)
    end = {"succeeded": execution, "failed": failed}[last]
    return [*asked, end(task_id, retries=number, received=10 * number + 1, started=10 * number + 2, **fields)]


def told(*executions: Execution, **task_options: Any) -> History:
    return history(*executions, tasks={NAME: options(**task_options)})


LISTED = "self.retry(countdown=({})[min(self.request.retries, 2)])"
CANNOT = "retry_backoff cannot come to these"
MANUAL: dict[str, Any] = {"autoretry": False, "retry_backoff": 0.0}


def verdict_of(budget: RetriesBudget, happened: History) -> Verdict:
    (verdict,) = judge(budget, happened)
    return verdict


def check_of(verdict: Verdict) -> tuple[str, str, str, bool]:
    (check,) = verdict.checks
    return check.metric, check.budget, check.actual, check.ok


def test_a_schedule_that_keeps_to_everything() -> None:
    budget = RetriesBudget(
        attempts=4,
        backoff="exponential",
        countdowns_s=(1, 2, 4),
        max_countdown_s=600,
        jitter=False,
        final="succeeded",
    )
    verdict = verdict_of(budget, told(*tries(1, 2, 4)))
    assert verdict.status is Status.PASS
    assert [(check.metric, check.actual) for check in verdict.checks] == [
        ("attempts", "4"),
        ("backoff", "exponential (1s, 2s, 4s)"),
        ("countdowns", "1s, 2s, 4s"),
        ("longest countdown", "4s"),
        ("jitter", "off"),
        ("final state", "1 succeeded"),
    ]


def test_each_attempt_is_shown_with_its_exception_and_with_both_delays() -> None:
    executions = tries(2, injected=True, last="failed")
    publications = (
        publication(),
        publication(ms=9, retries=1, countdown_s=2.0, waited_s=0.002),
    )
    verdict = verdict_of(RetriesBudget(attempts=2), history(*executions, publications=publications))
    raised = "ConnectionError: refused at /app/shop/tasks.py:30"
    assert verdict.evidence == (
        f"shop.tasks.charge[t1] attempt 1, t=0.002s: {raised}; retry requested in 2s, waited 2ms",
        f"shop.tasks.charge[t1] attempt 2, t=0.012s: failed, {raised} (injected by celery_perf.fail)",
    )


def test_an_exception_without_a_message_is_named_alone() -> None:
    verdict = verdict_of(RetriesBudget(attempts=1), history(failed(error=error("builtins.KeyError", ""))))
    assert verdict.evidence == ("shop.tasks.charge[t1] attempt 1, t=0.002s: failed, KeyError at /app/shop/tasks.py:30",)


# -- attempts


def test_a_task_without_automatic_retries_lacks_attempts() -> None:
    verdict = verdict_of(RetriesBudget(attempts=3), told(failed(), **MANUAL))
    assert check_of(verdict) == ("attempts", "= 3", "1", False)
    assert verdict.fix == (
        f"nothing tries it again: set autoretry_for=(ConnectionError,) in {DECORATOR}, or call self.retry()",
    )


def test_a_task_whose_automatic_retries_do_not_cover_the_exception_lacks_attempts() -> None:
    verdict = verdict_of(RetriesBudget(attempts=3), told(failed(error=error("builtins.ValueError"))))
    assert verdict.fix == (f"autoretry_for does not cover ValueError, or dont_autoretry_for does: see {DECORATOR}",)


def test_a_task_with_too_small_max_retries_lacks_attempts() -> None:
    verdict = verdict_of(RetriesBudget(attempts=5), told(*tries(1, 2, last="failed"), max_retries=2))
    assert "max_retries=2 allows 3 attempts: set max_retries=4 in" in verdict.fix[0]


def test_a_task_that_gave_up_by_itself_lacks_attempts() -> None:
    verdict = verdict_of(RetriesBudget(attempts=3), told(*tries(5, last="failed"), **MANUAL))
    assert verdict.fix == (f"the task did not call self.retry() after ConnectionError: see {DECORATOR}",)


def test_a_task_whose_next_attempt_has_expired_lacks_time() -> None:
    lapsed = publication(ms=9, retries=1, countdown_s=3600.0, expires_s=600.0, discarded=Outcome.REVOKED, expired=True)
    (asked, _) = tries(3600)
    for budget in (
        RetriesBudget(attempts=2),
        RetriesBudget(countdowns_s=(3600, 3600)),
        RetriesBudget(backoff="fixed"),
        RetriesBudget(final="succeeded"),
    ):
        told = history(asked, publications=(publication(), lapsed), tasks={NAME: options(**MANUAL)})
        assert verdict_of(budget, told).fix == (
            "attempt 2 was to begin in 1h, but its message expired in 10min: give it a later expires=",
        )


@pytest.mark.parametrize(
    ("countdown_s", "advice"),
    [
        (3600.0, "attempt 1 was to begin in 1h, but its message expired in 1s: give it a later expires="),
        (
            0.5,
            "its message had expired when a worker took it: give it a later expires=, or let a worker be free sooner",
        ),
        (
            None,
            "its message had expired when a worker took it: give it a later expires=, or let a worker be free sooner",
        ),
    ],
)
def test_a_task_whose_first_attempt_has_expired_lacks_time(countdown_s: float | None, advice: str) -> None:
    lapsed = publication(countdown_s=countdown_s, expires_s=1.0, discarded=Outcome.REVOKED, expired=True)
    verdict = verdict_of(RetriesBudget(attempts=1), History(publications=(lapsed,)))
    assert verdict.fix == (advice,)


def test_a_task_that_succeeded_too_early_lacks_failures() -> None:
    verdict = verdict_of(RetriesBudget(attempts=4), told(*tries(1)))
    assert "it succeeded at attempt 2" in verdict.fix[0]
    assert "celery_perf.fail(charge, with_=ConnectionError, times=3)" in verdict.fix[0]


def test_a_task_that_is_tried_too_often() -> None:
    verdict = verdict_of(RetriesBudget(attempts=2), told(*tries(1, 2, 4)))
    assert check_of(verdict) == ("attempts", "= 2", "4", False)
    assert verdict.fix == (f"2 attempts are max_retries=1: set it in {DECORATOR}",)


def test_every_task_must_have_the_attempts_and_those_that_have_not_are_shown() -> None:
    verdict = verdict_of(RetriesBudget(attempts=2), told(*tries(1), *tries(1, 2, task_id="t2")))
    assert check_of(verdict) == ("attempts", "= 2", "2 to 3", False)
    assert all("[t2]" in line for line in verdict.evidence)


def test_a_redelivered_attempt_counts_once() -> None:
    again = execution(retries=1, delivery=2, redelivered=True, received=50, started=51)
    assert verdict_of(RetriesBudget(attempts=2), told(*tries(1), again)).status is Status.PASS


def test_a_task_that_still_waits_for_its_retry_does_not_pass() -> None:
    happened = history(retried(countdown_s=600), diagnosis="It waits for its ETA.")
    verdict = verdict_of(RetriesBudget(attempts=1), happened)
    assert verdict.status is Status.FAIL
    assert (verdict.checks[0].metric, verdict.checks[0].actual) == ("ended", "0")
    assert "It waits for its ETA." in verdict.evidence


# -- what is known exactly


def asked(told_s: float, published_s: float) -> History:
    """A task that told, at its end, of this countdown, and whose message had told of that."""
    publications = (publication(), publication(ms=9, retries=1, countdown_s=published_s, waited_s=0.01))
    return history(*tries(told_s), publications=publications, tasks={NAME: options(**MANUAL)})


@pytest.mark.parametrize(("wanted_s", "kept"), [(100, True), (101, False), (100.01, False), (99.99, False)])
def test_a_number_of_seconds_is_known_exactly(wanted_s: float, *, kept: bool) -> None:
    verdict = verdict_of(RetriesBudget(countdowns_s=(wanted_s,)), asked(100, 99.9987))
    assert check_of(verdict)[3] is kept


@pytest.mark.parametrize(("wanted_s", "kept"), [(100, True), (101, False), (99, False)])
def test_of_an_eta_some_milliseconds_may_be_gone(wanted_s: float, *, kept: bool) -> None:
    """What is left is noted when the message goes out, and once more at the end, which a slow broker makes late."""
    verdict = verdict_of(RetriesBudget(countdowns_s=(wanted_s,)), asked(99.72, 99.9987))
    assert check_of(verdict)[3] is kept


@pytest.mark.parametrize("happened", [asked(600, 599.998), asked(599.9, 599.998)], ids=["number", "eta"])
def test_a_limit_is_one(happened: History) -> None:
    assert verdict_of(RetriesBudget(max_countdown_s=600), happened).status is Status.PASS
    assert check_of(verdict_of(RetriesBudget(max_countdown_s=599), happened))[1:] == (
        "≤ 9.98min",
        "10min",
        False,
    )


def test_what_differs_is_printed_so_that_one_sees_it() -> None:
    happened = asked(10_001, 10_000.99)
    verdict = verdict_of(RetriesBudget(countdowns_s=(10_000,)), happened)
    assert check_of(verdict)[1:] == ("= 10000s", "10001s", False)
    verdict = verdict_of(RetriesBudget(max_countdown_s=10_000), happened)
    assert check_of(verdict)[1:] == ("≤ 10000s", "10001s", False)


# -- backoff


def test_backoff_with_jitter_is_known_by_its_bounds() -> None:
    verdict = verdict_of(RetriesBudget(backoff="exponential"), told(*tries(1, 0, 3), retry_jitter=True))
    assert check_of(verdict) == ("backoff", "exponential", "exponential (≤ 1s, ≤ 2s, ≤ 4s, drawn at random)", True)


def test_without_backoff_the_countdowns_are_all_the_default() -> None:
    verdict = verdict_of(RetriesBudget(backoff="exponential"), told(*tries(180, 180), retry_backoff=0.0))
    assert check_of(verdict) == ("backoff", "exponential", "3min, 3min", False)
    assert verdict.fix == (
        f"set retry_backoff=True in {DECORATOR}",
        "3min is default_retry_delay, which a retry waits when no countdown is given",
    )


def test_a_manual_retry_ignores_backoff() -> None:
    verdict = verdict_of(RetriesBudget(backoff="exponential"), told(*tries(180, 180)))
    assert verdict.status is Status.FAIL
    assert "a self.retry() of the task's own ignores it" in verdict.fix[0]
    assert "3min is default_retry_delay" in verdict.fix[1]


def test_manual_retries_of_a_plain_task_are_told_both_ways() -> None:
    verdict = verdict_of(RetriesBudget(backoff="exponential"), told(*tries(5, 5), **MANUAL))
    assert f"set autoretry_for=(ConnectionError,) and retry_backoff=True in {DECORATOR}" in verdict.fix[0]
    assert "self.retry(countdown=2 ** self.request.retries)" in verdict.fix[0]
    assert len(verdict.fix) == 1


def test_celerys_own_retry_is_no_exception_to_retry_for() -> None:
    steps = [retried(countdown_s=5, retries=number, error=error("celery.exceptions.Retry")) for number in (0, 1)]
    verdict = verdict_of(RetriesBudget(backoff="exponential"), told(*steps, execution(retries=2), **MANUAL))
    assert "autoretry_for=(ConnectionError,)" in verdict.fix[0]


def test_manual_backoff_is_known_by_its_growth() -> None:
    growing = told(*tries(3, 9, 27), **MANUAL)
    assert verdict_of(RetriesBudget(backoff="exponential"), growing).status is Status.PASS
    assert verdict_of(RetriesBudget(backoff="fixed"), growing).status is Status.FAIL
    linear = told(*tries(10, 20, 30), **MANUAL)
    assert verdict_of(RetriesBudget(backoff="exponential"), linear).status is Status.FAIL


def test_fixed_countdowns() -> None:
    assert verdict_of(RetriesBudget(backoff="fixed"), told(*tries(5, 5), **MANUAL)).status is Status.PASS
    verdict = verdict_of(RetriesBudget(backoff="fixed"), told(*tries(1, 2)))
    assert check_of(verdict) == ("backoff", "fixed", "exponential (1s, 2s)", False)
    assert verdict.fix == (f"remove retry_backoff from {DECORATOR}: a retry then waits default_retry_delay, 3min",)


@pytest.mark.parametrize(
    ("executions", "task_options", "actual", "times"),
    [([execution()], {}, "never retried", 1), (tries(5), MANUAL, "unknown from 1 retry", 2)],
)
def test_too_few_retries_show_no_backoff(
    executions: list[Execution], task_options: dict[str, Any], actual: str, times: int
) -> None:
    verdict = verdict_of(RetriesBudget(backoff="exponential"), told(*executions, **task_options))
    assert check_of(verdict) == ("backoff", "exponential", actual, False)
    assert verdict.fix == (
        f"make it fail in this test: celery_perf.fail(charge, with_=ConnectionError, times={times})",
    )


def test_countdowns_that_a_task_draws_itself_leave_its_backoff_open() -> None:
    verdict = verdict_of(RetriesBudget(backoff="exponential"), told(*tries(1, 3), *tries(2, 3, task_id="t2"), **MANUAL))
    assert verdict.status is Status.INCONCLUSIVE
    assert "the task draws its countdowns itself" in verdict.evidence[0]


# -- countdowns


@pytest.mark.parametrize("asked", [(1, 2, 5), (1, 2), (1, 2, 4, 8)])
def test_other_countdowns_than_demanded(asked: tuple[float, ...]) -> None:
    verdict = verdict_of(RetriesBudget(countdowns_s=(1, 2, 4)), told(*tries(*asked), **MANUAL))
    assert verdict.status is Status.FAIL
    assert verdict.checks[0].budget == "= 1s, 2s, 4s"
    assert "[t1] attempt 1" in verdict.evidence[0]


def test_under_jitter_demanded_countdowns_bound_what_can_be_drawn() -> None:
    drawn = told(*tries(0, 1, 3), retry_jitter=True)
    verdict = verdict_of(RetriesBudget(countdowns_s=(1, 2, 4)), drawn)
    assert check_of(verdict) == ("countdowns", "≤ 1s, ≤ 2s, ≤ 4s", "≤ 1s, ≤ 2s, ≤ 4s", True)
    assert "drawn were 0s, 1s, 3s" in verdict.evidence[0]


def test_under_jitter_a_lucky_draw_does_not_pass() -> None:
    lucky = told(*tries(0, 1, 2), retry_jitter=True, retry_backoff=10.0)
    verdict = verdict_of(RetriesBudget(countdowns_s=(1, 2, 4)), lucky)
    assert check_of(verdict) == ("countdowns", "≤ 1s, ≤ 2s, ≤ 4s", "≤ 10s, ≤ 20s, ≤ 40s", False)


def test_under_jitter_the_number_of_countdowns_counts_too() -> None:
    verdict = verdict_of(RetriesBudget(countdowns_s=(1, 2, 4)), told(*tries(0, 1), retry_jitter=True))
    assert verdict.status is Status.FAIL
    assert "3 countdowns need as many retries" in verdict.fix[0]


# -- the longest countdown


def test_the_longest_requested_countdown() -> None:
    within = told(*tries(10, 300), **MANUAL)
    assert verdict_of(RetriesBudget(max_countdown_s=300), within).status is Status.PASS
    assert check_of(verdict_of(RetriesBudget(max_countdown_s=299), within))[2] == "5min"


def test_a_schedule_is_judged_by_what_it_comes_to_not_only_by_what_was_seen() -> None:
    uncapped = told(*tries(1, 2), retry_backoff_max_s=3600.0, max_retries=20)
    verdict = verdict_of(RetriesBudget(max_countdown_s=600), uncapped)
    assert check_of(verdict) == ("longest countdown", "≤ 10min", "1h", False)
    assert "requested up to 2s" in verdict.evidence[0]
    assert "retry_backoff_max=3600 and max_retries=20 come to 1h" in verdict.evidence[0]
    assert verdict.fix == (f"set retry_backoff_max=600 in {DECORATOR}",)


def test_a_schedule_that_ends_before_its_cap_is_within() -> None:
    early = told(*tries(1, 2), retry_backoff_max_s=3600.0, max_retries=3)
    assert check_of(verdict_of(RetriesBudget(max_countdown_s=4), early))[2:] == ("4s", True)


def test_without_a_retry_there_is_no_longest_countdown() -> None:
    verdict = verdict_of(RetriesBudget(max_countdown_s=600), told(execution()))
    assert check_of(verdict) == ("longest countdown", "≤ 10min", "never retried", False)


def test_a_countdown_beyond_the_visibility_timeout_is_pointed_out() -> None:
    verdict = verdict_of(RetriesBudget(attempts=2), told(*tries(3600), **MANUAL))
    assert "a countdown of 1h reaches the visibility timeout (1h)" in verdict.evidence[0]


@pytest.mark.parametrize(
    ("budget", "asked", "task_options", "advice"),
    [
        # What the task asks for itself.
        (RetriesBudget(backoff="fixed"), (10, 20, 40), MANUAL, "pass self.retry(countdown=10)"),
        (RetriesBudget(backoff="fixed", max_countdown_s=30), (10, 20, 40), MANUAL, "pass self.retry(countdown=10)"),
        (RetriesBudget(backoff="fixed", max_countdown_s=5), (10, 20, 40), MANUAL, "pass self.retry(countdown=5)"),
        (RetriesBudget(max_countdown_s=30), (10, 20, 40), MANUAL, "pass self.retry(countdown=min(30, …))"),
        (
            RetriesBudget(countdowns_s=(1, 2, 3)),
            (1, 2, 4),
            MANUAL,
            f"pass {LISTED.format('1, 2, 3')}",
        ),
        (RetriesBudget(countdowns_s=(2.5, 2.5)), (1, 2), MANUAL, "pass self.retry(countdown=2.5)"),
        (
            RetriesBudget(backoff="exponential", max_countdown_s=30),
            (40, 40),
            MANUAL,
            (
                "let the exception out and set autoretry_for=(ConnectionError,), retry_backoff=True and "
                f"retry_backoff_max=30 in {DECORATOR}, or pass self.retry(countdown=min(30, 2 ** self.request.retries))"
            ),
        ),
        (
            RetriesBudget(countdowns_s=(5, 10, 15)),
            (5, 5, 5),
            {"retry_backoff": 0.0},
            f"let the task catch the exception itself, and raise {LISTED.format('5, 10, 15')}",
        ),
        # What its options ask for.
        (
            RetriesBudget(backoff="fixed", max_countdown_s=30),
            (1, 2, 4),
            {},
            f"remove retry_backoff from {DECORATOR}, and set default_retry_delay=30 there",
        ),
        (RetriesBudget(max_countdown_s=3), (1, 2, 4), {}, f"set retry_backoff_max=3 in {DECORATOR}"),
        (
            RetriesBudget(countdowns_s=(3, 6, 8, 8)),
            (1, 2, 4, 8),
            {},
            f"set retry_backoff=3 and retry_backoff_max=8 in {DECORATOR}",
        ),
        (
            RetriesBudget(backoff="exponential", jitter=False),
            (180, 180),
            {"retry_backoff": 0.0, "retry_jitter": True},
            f"set retry_backoff=True and retry_jitter=False in {DECORATOR}",
        ),
        (
            RetriesBudget(countdowns_s=(500, 1000)),
            (1, 2),
            {},
            f"set retry_backoff=500 and retry_backoff_max=1000 in {DECORATOR}",
        ),
        (
            RetriesBudget(countdowns_s=(1, 2, 3)),
            (1, 2, 4),
            {},
            f"{CANNOT}: let the task catch the exception itself, and raise {LISTED.format('1, 2, 3')}",
        ),
        (
            RetriesBudget(max_countdown_s=30),
            (180, 180),
            {"retry_backoff": 0.0},
            f"set default_retry_delay=30 in {DECORATOR}, or pass self.retry(countdown=30)",
        ),
    ],
)
def test_the_advice_is_what_makes_just_this_marker_pass(
    budget: RetriesBudget, asked: tuple[float, ...], task_options: dict[str, Any], advice: str
) -> None:
    verdict = verdict_of(budget, told(*tries(*asked), **task_options))
    assert verdict.status is Status.FAIL
    assert verdict.fix[0] == advice


def test_automatic_retries_without_backoff_and_retries_of_the_tasks_own_are_told_apart() -> None:
    verdict = verdict_of(RetriesBudget(backoff="exponential"), told(*tries(5, 5), retry_backoff=0.0))
    (advice,) = verdict.fix
    assert f"set retry_backoff=True in {DECORATOR}; a self.retry() of the task's own ignores it: there pass" in advice
    assert "self.retry(countdown=2 ** self.request.retries)" in advice


def test_the_right_countdowns_but_too_many_of_them() -> None:
    verdict = verdict_of(RetriesBudget(countdowns_s=(1, 2)), told(*tries(1, 2, 4)))
    assert verdict.fix == (f"3 attempts are max_retries=2: set it in {DECORATOR}",)


def test_too_few_retries_of_a_task_that_gave_up_are_no_want_of_failures() -> None:
    gave_up = told(*tries(5, last="failed"), **MANUAL, max_retries=1)
    for budget in (RetriesBudget(backoff="fixed"), RetriesBudget(countdowns_s=(5, 5))):
        assert "max_retries=1 allows 2 attempts: set max_retries=2 in" in verdict_of(budget, gave_up).fix[0]


# -- jitter


@pytest.mark.parametrize(("jitter", "wanted", "status"), [
    (True, True, Status.PASS), (False, False, Status.PASS), (True, False, Status.FAIL), (False, True, Status.FAIL),
])  # fmt: skip
def test_jitter_is_told_by_the_options(jitter: bool, wanted: bool, status: Status) -> None:
    verdict = verdict_of(RetriesBudget(jitter=wanted), told(*tries(1, 2), retry_jitter=jitter))
    assert verdict.status is status
    assert verdict.fix == (() if status is Status.PASS else (f"set retry_jitter={wanted} in {DECORATOR}",))


def test_jitter_of_manual_countdowns_shows_in_several_tasks() -> None:
    equal = [each for number in range(5) for each in tries(3, task_id=f"t{number}")]
    off = verdict_of(RetriesBudget(jitter=True), told(*equal, **MANUAL))
    assert check_of(off) == ("jitter", "on", "off", False)
    assert "retry_jitter needs retry_backoff and autoretry_for" in off.fix[0]
    on = verdict_of(RetriesBudget(jitter=True), told(*tries(3), *tries(4, task_id="t2"), **MANUAL))
    assert check_of(on) == ("jitter", "on", "on", True)


def test_jitter_of_few_manual_countdowns_is_unknown() -> None:
    verdict = verdict_of(RetriesBudget(jitter=True), told(*tries(3), **MANUAL))
    assert (verdict.status, check_of(verdict)[2]) == (Status.INCONCLUSIVE, "unknown")
    assert verdict.fix == ("celery_perf.run(…, times=5)",)


# -- the end


def test_a_task_that_failed_in_the_end() -> None:
    happened = told(*tries(1, 2, 4, last="failed"), *tries(1, task_id="t2"))
    verdict = verdict_of(RetriesBudget(final="succeeded"), happened)
    assert check_of(verdict) == ("final state", "succeeded", "1 succeeded, 1 failed", False)
    assert "max_retries=3 allows 4 attempts: set max_retries=4" in verdict.fix[0]


def test_more_attempts_are_no_cure_where_their_number_is_demanded() -> None:
    budget = RetriesBudget(attempts=4, final="succeeded")
    last = "attempt 4 is the last that attempts=4 allows, and must succeed: "
    itself = told(*tries(1, 2, 4, last="failed"))
    assert verdict_of(budget, itself).fix == (f"{last}let the test end what makes it fail before that",)
    made_to = told(*tries(1, 2, 4, last="failed", injected=True))
    fail = "celery_perf.fail(charge, with_=ConnectionError, times=3)"
    assert verdict_of(budget, made_to).fix == (f"{last}{fail}",)
    too_few = told(*tries(1, 2, last="failed"), max_retries=2)
    (advice,) = verdict_of(budget, too_few).fix
    assert "max_retries=2 allows 3 attempts: set max_retries=3 in" in advice


def test_a_task_that_should_have_given_up() -> None:
    verdict = verdict_of(RetriesBudget(final="failed"), told(*tries(1)))
    assert check_of(verdict) == ("final state", "failed", "1 succeeded", False)
    assert "celery_perf.fail(charge, with_=ConnectionError, times=4)" in verdict.fix[0]


def test_a_worker_that_told_no_options_is_judged_by_what_was_requested() -> None:
    happened = history(*tries(1, 2, 4), tasks={})
    assert verdict_of(RetriesBudget(backoff="exponential"), happened).status is Status.PASS


def test_a_countdown_that_only_the_publication_tells_is_taken_from_there() -> None:
    executions = tries(0)
    first = retried(countdown_s=None, body=1)
    publications: tuple[Publication, ...] = (publication(), publication(ms=9, retries=1, countdown_s=7.0, waited_s=0.0))
    happened = history(first, executions[1], publications=publications, tasks={NAME: options(**MANUAL)})
    assert check_of(verdict_of(RetriesBudget(countdowns_s=(7,)), happened))[2:] == ("7s", True)


def test_the_place_of_a_decorator_is_left_out_where_nobody_knows_it() -> None:
    verdict = verdict_of(RetriesBudget(attempts=2), told(*tries(1, 2), defined=None))
    assert verdict.fix == ("2 attempts are max_retries=1: set it in the decorator of charge",)
