"""What the diagnosis asks of a situation."""

from __future__ import annotations

import pytest

from pytest_celery_perf.model.situation import PendingTask, Situation, WorkerState


@pytest.mark.parametrize(
    ("started_ago_s", "process_alive", "expected"),
    [(None, None, False), (3.0, None, True), (3.0, True, True), (3.0, False, False)],
)
def test_a_task_runs_unless_its_process_is_known_to_be_gone(
    started_ago_s: float | None, process_alive: bool | None, expected: bool
) -> None:
    task = PendingTask(
        task_id="t1",
        name="shop.tasks.pay",
        queue="pay",
        published_ago_s=60.0,
        started_ago_s=started_ago_s,
        process_alive=process_alive,
    )
    assert expected == task.running


def test_workers_are_found_by_queue_and_by_task() -> None:
    pay, mail = WorkerState(name="pay@host", queues=("pay", "refund")), WorkerState(name="mail@host", queues=("mail",))
    task = PendingTask(task_id="t1", name="shop.tasks.pay", queue="pay", published_ago_s=60.0, worker="mail@host")
    situation = Situation(waited_s=60.0, published=1, pending=(task,), workers=(pay, mail))
    assert (pay,) == situation.consumers("refund")
    assert situation.consumers(None) == ()
    assert mail == situation.holder(task)


def test_a_depth_is_known_or_absent_but_never_made_up() -> None:
    situation = Situation(waited_s=60.0, published=1, queue_depths=(("pay", 0),))
    assert situation.depth("pay") == 0
    assert situation.depth("mail") is None
    assert situation.depth(None) is None
