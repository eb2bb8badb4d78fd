"""Causes between the broker and the workers of a queue are found and told in words that help."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.judge.situations import DEAD, NODE, TASK, WORKER, diagnosed, paragraphs, tasks


def test_no_worker_consumes_the_queue() -> None:
    assert paragraphs(diagnosed(*tasks(12, queue="executon")))[1].splitlines() == [
        'No worker consumes the queue "executon", where 12 tasks wait:',
        "  judge.tasks.execute, for example id-1.",
        '  Consumed are "execution" and "generation" by execution@host, "ai" by ai@host.',
        "  try: is \"execution\" meant? See task_routes, the task's queue= and the call's.",
        "  try: or let a worker consume it, with a line in celery_perf_workers:",
        "         executon: -Q executon -c 2",
    ]


def test_no_route_matches_the_task() -> None:
    text = diagnosed(replace(TASK, queue="celery"))
    assert '"celery" is the default queue, so no route matches the task: see task_routes' in text
    assert "meant?" not in text


def test_there_is_no_worker_at_all() -> None:
    assert "  There is no worker at all.\n" in diagnosed(TASK, workers=())


def test_each_unconsumed_queue_is_told_apart() -> None:
    text = diagnosed(replace(TASK, queue="x"), replace(TASK, task_id="id-2", queue="y"))
    assert [p.splitlines()[0] for p in paragraphs(text)[1:]] == [
        'No worker consumes the queue "x", where 1 task waits:',
        'No worker consumes the queue "y", where 1 task waits:',
    ]


def test_the_task_is_not_registered_in_the_worker() -> None:
    assert paragraphs(diagnosed(replace(TASK, name="judge.execute")))[1].splitlines() == [
        'execution@host does not know the task "judge.execute" (id-1).',
        '  A worker throws away what it does not know ("Received unregistered task" in its log).',
        '  try: is "judge.tasks.execute" meant?',
        "  try: does the worker import its module? autodiscover_tasks() looks for tasks.py in INSTALLED_APPS;",
        "       other modules belong in the app's imports.",
    ]


def test_without_a_close_name_the_registered_ones_are_listed() -> None:
    text = diagnosed(*tasks(3, name="billing.refund"))
    assert 'does not know the task "billing.refund" (3 of them, for example id-1).' in text
    assert "Known are judge.tasks.execute and judge.tasks.extract." in text
    many = replace(WORKER, registered=frozenset(f"a.t{i}" for i in range(9)))
    assert "a.t4, a.t5 and 3 more." in diagnosed(replace(TASK, name="billing.refund"), workers=(many,))


def test_a_task_that_one_of_two_workers_knows_may_just_wait() -> None:
    ignorant = replace(WORKER, name="second@host", registered=frozenset({"other"}))
    text = diagnosed(TASK, workers=(WORKER, ignorant), queue_depths=(("execution", 3),))
    assert "does not know" not in text
    gone = diagnosed(TASK, workers=(WORKER, ignorant), queue_depths=(("execution", 0),))
    assert 'second@host does not know the task "judge.tasks.execute"' in gone


def test_a_worker_that_never_said_what_it_knows_is_not_accused() -> None:
    assert "does not know" not in diagnosed(TASK, workers=(replace(WORKER, registered=frozenset()),))


def test_the_broker_does_not_answer() -> None:
    text = diagnosed(*tasks(3), broker_answers=False, broker_error="Error 111. Connection refused.")
    assert paragraphs(text)[1].splitlines() == [
        "The broker does not answer: Error 111. Connection refused.",
        "  3 tasks wait for it: judge.tasks.execute, for example id-1.",
        "  try: the header of the test run names the broker; does it run, and can it be reached from here?",
    ]


def test_a_running_task_does_not_wait_for_the_broker() -> None:
    text = diagnosed(replace(TASK, worker=NODE, started_ago_s=5.0, pid=811), broker_answers=False)
    assert "still runs" in text
    assert "broker" not in text


def test_it_is_still_in_the_queue() -> None:
    assert paragraphs(diagnosed(*tasks(3), queue_depths=(("execution", 14),)))[1].splitlines() == [
        '3 tasks are still in the queue "execution":',
        "  judge.tasks.execute, for example id-1.",
        "  14 messages wait there, and execution@host runs 2 of at most 2 tasks.",
        "  try: more concurrency for that worker (-c), fewer tasks in the test, or a longer celery_perf_timeout.",
    ]


def test_the_worker_that_received_it_does_not_know_it() -> None:
    ignorant = replace(WORKER, name="second@host", registered=frozenset({"other"}))
    fields = {"workers": (WORKER, ignorant), "queue_depths": (("execution", 3),)}
    assert "second@host does not know" in diagnosed(replace(TASK, worker="second@host", received_ago_s=5.0), **fields)
    assert "does not know" not in diagnosed(replace(TASK, worker=WORKER.name, received_ago_s=5.0), **fields)


def test_a_broker_that_does_not_answer_comes_before_all_that_waits() -> None:
    empty = replace(WORKER, pool="prefork", busy=0, concurrency=1)
    received = replace(TASK, worker=NODE, received_ago_s=3.0, behind=0)
    later = replace(TASK, task_id="later", eta_in_s=90.0)
    nowhere = replace(TASK, task_id="nowhere", queue="x")
    text = diagnosed(received, later, nowhere, workers=(empty,), broker_answers=False)
    assert len(paragraphs(text)) == 2
    assert "3 tasks wait for it" in text


def test_what_a_dead_worker_ran_waits_for_more_than_the_broker() -> None:
    began = replace(TASK, worker=NODE, started_ago_s=3.0, pid=811, process_alive=False)
    _, broker, death = paragraphs(
        diagnosed(began, replace(TASK, task_id="waits"), workers=(DEAD,), broker_answers=False)
    )
    assert broker.startswith("The broker does not answer.\n  1 task waits for it: judge.tasks.execute[waits].")
    assert "It was running judge.tasks.execute[id-1]." in death
