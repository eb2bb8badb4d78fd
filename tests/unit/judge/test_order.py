"""Who starts first when all wait: judged where tasks really waited together."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_celery_perf.judge.order import judge_order
from pytest_celery_perf.model.record import Execution, Publication
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NAME, execution, history, publication, worker

MAIL = "shop.tasks.mail"
SWEEP = "shop.tasks.sweep"
NAMES = {"charge": NAME, "mail": MAIL, "sweep": SWEEP}


def task(name: str, task_id: str = "", *, published: float = 1, **fields: Any) -> tuple[Publication, Execution]:
    """A task that was published at that time, and received just before it started."""
    task_id = task_id or name
    started = fields.pop("started")
    received = fields.pop("received", started - 1)
    priority = fields.get("priority")
    ran = execution(task_id, name=NAMES[name], received=received, started=started, **fields)
    return publication(task_id, ms=published, name=NAMES[name], priority=priority), ran


def verdict_of(*tasks: tuple[Publication, Execution], order: tuple[str, ...] = (NAME, MAIL), **told: Any) -> Verdict:
    publications = tuple(each for each, _ in tasks)
    return judge_order("celery_routing", order, history(*(ran for _, ran in tasks), publications=publications, **told))


def wrong(verdict: Verdict) -> dict[str, str]:
    return {check.metric: check.actual for check in verdict.checks if not check.ok}


def test_tasks_that_started_in_order() -> None:
    # Published the other way round, behind a task that kept the worker busy.
    verdict = verdict_of(
        task("charge", "first", published=0, started=1, body=90),
        task("sweep", published=10, started=130),
        task("mail", published=11, started=120),
        task("charge", published=12, started=100),
        order=(NAME, MAIL, SWEEP),
    )
    assert (verdict.status, verdict.task) == (Status.PASS, "charge → mail → sweep")
    assert verdict.evidence[0] == "started: charge, charge, mail, sweep"
    assert "Redis serves priority 0 first" in verdict.evidence[-1]


def test_an_inversion_is_shown_with_its_times_and_priorities() -> None:
    verdict = verdict_of(task("mail", started=100, priority=2), task("charge", started=150, priority=8))
    assert wrong(verdict) == {"out of order": "1"}
    assert verdict.evidence[1] == (
        "shop.tasks.mail[mail] (priority 2) started t=0.099s, before shop.tasks.charge[charge] (priority 8), which "
        "waited since t=0.000s and started t=0.149s"
    )
    assert verdict.fix == ("the lower number is served first: charge has 8, mail has 2; turn them round",)


def test_priorities_of_the_same_step_are_the_same() -> None:
    verdict = verdict_of(task("mail", started=100, priority=5), task("charge", started=150, priority=4))
    assert "kombu's default priority_steps (0, 3, 6, 9) these are the same" in verdict.fix[0]
    assert "broker_transport_options = {'priority_steps': list(range(10))}" in verdict.fix[0]


def test_the_steps_of_an_app_are_its_own() -> None:
    tasks = task("mail", started=100, priority=4), task("charge", started=150, priority=3)
    verdict = verdict_of(*tasks, workers=(worker(priority_steps=(0, 5)),))
    (advice,) = verdict.fix
    assert advice == (
        "charge has 3, mail has 4: to the app's priority_steps (0, 5) these are the same; set priorities that are "
        "further apart"
    )


@pytest.mark.parametrize(("steps", "last"), [((), 9), ((0, 3, 6, 9), 9), (tuple(range(10)), 9), ((0, 5), 5)])
def test_equal_priorities_are_the_same_on_any_steps(steps: tuple[int, ...], last: int) -> None:
    tasks = task("mail", started=100), task("charge", started=150, priority=0)
    verdict = verdict_of(*tasks, workers=(worker(priority_steps=steps),))
    (advice,) = verdict.fix
    assert advice == (
        "charge has 0, mail has 0: what has the same priority is served in the order of publishing, on any "
        "priority_steps; set task_routes = {'shop.tasks.charge': {'priority': 0}, "
        f"'shop.tasks.mail': {{'priority': {last}}}}}, or priority= at the calls"
    )


def test_more_tasks_than_steps_need_more_steps() -> None:
    tasks = [task(name, started=started) for name, started in (("sweep", 100), ("mail", 150), ("charge", 200))]
    verdict = verdict_of(*tasks, order=(NAME, MAIL, SWEEP), workers=(worker(priority_steps=(0, 5)),))
    (advice,) = {line.partition("; ")[2] for line in verdict.fix}
    assert advice == (
        "set broker_transport_options = {'priority_steps': list(range(10))} and task_routes = {'shop.tasks.charge': "
        "{'priority': 0}, 'shop.tasks.mail': {'priority': 4}, 'shop.tasks.sweep': {'priority': 9}}, or priority= at "
        "the calls"
    )


def test_a_task_that_was_prefetched_too_early() -> None:
    verdict = verdict_of(
        task("mail", published=1, received=2, started=100, priority=9),
        task("charge", published=50, started=150, priority=0),
    )
    assert wrong(verdict) == {"out of order": "1"}
    assert "already held by its worker by then" in verdict.evidence[1]
    assert "prefetch=1 with acks_late=True" in verdict.fix[0]


def test_tasks_of_different_workers() -> None:
    verdict = verdict_of(task("mail", started=100, worker="bulk@host"), task("charge", started=150))
    assert "main@host and bulk@host serve them" in verdict.fix[0]


def test_tasks_that_never_waited_together_judge_nothing() -> None:
    verdict = verdict_of(task("charge", published=0, started=2), task("mail", published=50, started=52))
    assert wrong(verdict) == {"backlog": "charge and mail never did"}
    assert "publish them behind a task that keeps the only process busy" in verdict.fix[0]
    assert "concurrency=1, prefetch=1" in verdict.fix[0]


def test_a_task_that_started_before_the_other_was_published_overtook_nothing() -> None:
    verdict = verdict_of(
        task("mail", "early", published=0, started=2),
        task("charge", published=10, started=20),
        task("mail", published=11, started=30),
    )
    assert verdict.status is Status.PASS


def test_side_by_side_in_the_right_order_of_receipt_is_no_inversion() -> None:
    charge = task("charge", received=50, started=100.2)
    assert verdict_of(charge, task("mail", received=51, started=100, body=40)).status is Status.PASS
    assert wrong(verdict_of(charge, task("mail", received=49, started=100, body=40))) == {"out of order": "1"}
    assert wrong(verdict_of(charge, task("mail", received=51, started=60, body=20))) == {"out of order": "1"}


def test_a_delayed_task_does_not_wait_before_its_time() -> None:
    delayed = (publication("charge", ms=1, countdown_s=0.2), task("charge", started=210)[1])
    assert wrong(verdict_of(delayed, task("mail", started=100))) == {"backlog": "charge and mail never did"}


def test_a_task_that_never_started() -> None:
    verdict = verdict_of(task("mail", started=100), (publication("charge"), execution("charge", started=None)))
    assert wrong(verdict) == {"never started": "1"}
    assert "1 succeeded, 1 unfinished" in verdict.evidence


def test_a_task_that_was_not_published() -> None:
    verdict = verdict_of(task("mail", started=100), task("charge", started=90), order=(NAME, "shop.jobs.mail"))
    assert verdict.status is Status.FAIL
    assert "did you mean task='shop.tasks.mail'?" in verdict.fix[0]


def test_clocks_that_differ_tell_no_order() -> None:
    verdict = verdict_of(
        task("charge", started=90),
        task("mail", started=100, boot="boot-2"),
        workers=(worker(), worker("boot-2", comparable_clock=False)),
    )
    assert verdict.status is Status.INCONCLUSIVE
    assert "cannot be compared" in verdict.evidence[0]
