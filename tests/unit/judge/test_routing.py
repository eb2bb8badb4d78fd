"""celery_routing judges queue and priority of every message, and says where they come from."""

from __future__ import annotations

import pytest

from pytest_celery_perf.judge.routing import judge
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import RoutingBudget
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import NAME, execution, history, publication, retried, worker


def verdict_of(budget: RoutingBudget, told: History) -> Verdict:
    (verdict,) = judge(budget, told)
    return verdict


def checks(verdict: Verdict) -> list[tuple[str, str, str, bool]]:
    return [(check.metric, check.budget, check.actual, check.ok) for check in verdict.checks]


def test_the_right_queue_and_priority() -> None:
    told = history(execution(queue="billing", priority=3))
    verdict = verdict_of(RoutingBudget(queue="billing", priority=3), told)
    assert verdict.status is Status.PASS
    assert checks(verdict) == [("queue", "= billing", "billing", True), ("priority", "= 3", "3", True)]
    assert "Redis serves priority 0 first and 9 last, the reverse of AMQP" in verdict.evidence[-1]


def test_the_wrong_queue() -> None:
    verdict = verdict_of(RoutingBudget(queue="billing"), history(execution()))
    assert checks(verdict) == [("queue", "= billing", "celery", False)]
    assert verdict.evidence == (
        "shop.tasks.charge[t1] went to celery, priority none",
        "no worker that ran a task of this test consumes billing",
    )
    assert verdict.fix == ("set task_routes = {'shop.tasks.charge': {'queue': 'billing'}}",)


def test_a_message_that_no_worker_received_is_judged_all_the_same() -> None:
    told = History(publications=(publication(queue="celery"),))
    assert verdict_of(RoutingBudget(queue="celery"), told).status is Status.PASS
    assert verdict_of(RoutingBudget(queue="billing"), told).status is Status.FAIL


def test_a_message_whose_publishing_was_not_seen_is_judged_as_it_was_received() -> None:
    told = history(execution(queue="billing"), publications=())
    assert verdict_of(RoutingBudget(queue="billing"), told).status is Status.PASS


def test_a_retry_that_goes_elsewhere() -> None:
    told = history(retried(countdown_s=1, queue="billing"), execution(retries=1, queue="celery"))
    verdict = verdict_of(RoutingBudget(queue="billing"), told)
    assert checks(verdict) == [("queue", "= billing", "billing ×1, celery ×1", False)]
    assert verdict.evidence[0] == "shop.tasks.charge[t1] attempt 2 went to celery, priority none"
    assert "self.retry(queue=…)" in verdict.fix[0]


def test_many_wrong_messages_are_counted() -> None:
    told = history(*(execution(f"t{number}") for number in range(9)), workers=(worker(queues=("billing", "celery")),))
    verdict = verdict_of(RoutingBudget(queue="billing"), told)
    assert checks(verdict)[0][2] == "celery"
    assert verdict.evidence[5:] == ("… and 4 more",)


@pytest.mark.parametrize(("given", "shown"), [(8, "8"), (None, "none")])
def test_the_wrong_priority(given: int | None, shown: str) -> None:
    verdict = verdict_of(RoutingBudget(priority=1), history(execution(priority=given)))
    assert checks(verdict) == [("priority", "= 1", shown, False)]
    assert f"went to celery, priority {shown}" in verdict.evidence[0]
    assert "Redis serves priority 0 first" in verdict.evidence[-1]
    assert "{'priority': 1}" in verdict.fix[0]


def test_no_priority_is_priority_zero() -> None:
    assert verdict_of(RoutingBudget(priority=0), history(execution())).status is Status.PASS


def test_queue_priority_and_order_are_judged_by_one_marker() -> None:
    told = history(execution(), execution("t2", name="shop.tasks.mail", started=20))
    verdicts = judge(RoutingBudget(task=NAME, queue="celery", order=(NAME, "shop.tasks.mail")), told)
    assert [verdict.task for verdict in verdicts] == [NAME, "charge → mail"]
