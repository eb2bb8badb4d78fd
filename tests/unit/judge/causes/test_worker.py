"""Causes in a worker are found and told in words that help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.judge.situations import AI, DEAD, NODE, TASK, WORKER, diagnosed, paragraphs, tasks


def test_the_worker_died_with_the_task_and_others_wait_for_it() -> None:
    began = replace(TASK, worker=NODE, started_ago_s=3.0, pid=811, process_alive=False, unacked=True)
    waiting = [replace(task, task_id=f"w{task.task_id}") for task in tasks(2)]
    assert paragraphs(diagnosed(began, *waiting, workers=(DEAD, AI)))[1].splitlines() == [
        "The worker execution@host died: killed by SIGKILL.",
        "  It was running judge.tasks.execute[id-1].",
        "  2 tasks wait for it: judge.tasks.execute, for example wid-1.",
        "  1 message is still in unacked.",
        "  Redis delivers that again only after the visibility timeout, 1h, and up to 100s more until a worker looks.",
        "  No living worker consumes its queue: in production a supervisor has to start one.",
        "  Its last lines:",
        "    | ready.",
        "    | Task received",
        "  try: unless the test killed it, the system did, mostly for want of memory: see the kernel's log, lower -c.",
        '  try: celery_faults.kill_worker() and celery_recovery(kill="worker") bring that moment forward.',
    ]


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ("prefork", "  In production second@host would take it within 1.03h."),
        ("gevent", "  In production second@host would take it after that time, but an idle gevent worker never looks."),
    ],
)
def test_a_living_peer_would_take_what_a_dead_worker_held_in_production(pool: str, expected: str) -> None:
    began = replace(TASK, worker=NODE, started_ago_s=3.0, pid=811, process_alive=False, unacked=True)
    peer = replace(WORKER, name="second@host", pool=pool)
    told = diagnosed(began, workers=(DEAD, peer)).splitlines()
    assert expected in told
    assert told[told.index(expected) - 1].startswith("  Redis delivers that again only after")


def test_what_a_dead_worker_had_acknowledged_comes_never_again() -> None:
    began = replace(TASK, worker=NODE, started_ago_s=3.0, pid=811, process_alive=False, unacked=False)
    told = diagnosed(began, workers=(DEAD, replace(WORKER, name="second@host")))
    assert "1 message was acknowledged before the end: no worker will run that again." in told
    assert "try: acks_late=True on the task" in told
    assert "visibility timeout" not in told


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (1, "died: exit status 1."),
        (0, "died: exit status 0."),
        (-11, "died: killed by SIGSEGV."),
        (137, "died: killed by SIGKILL."),
        (-15, "died: killed by SIGTERM."),
        (255, "died: exit status 255."),
        (None, "died: nobody knows how."),
    ],
)
def test_the_death_of_a_worker_has_a_name(status: int | None, expected: str) -> None:
    assert expected in diagnosed(TASK, workers=(replace(DEAD, exit_status=status),))


def test_a_crash_in_native_code_suggests_a_cold_start() -> None:
    assert "celery_perf_start=cold" in diagnosed(TASK, workers=(replace(DEAD, exit_status=-11),))


def test_a_dead_worker_is_not_to_blame_while_another_consumes_its_queue() -> None:
    other = replace(WORKER, name="second@host")
    assert "died" not in diagnosed(TASK, workers=(DEAD, other), queue_depths=(("execution", 1),))


def test_it_is_prefetched_behind_others() -> None:
    assert paragraphs(diagnosed(replace(TASK, worker=NODE, received_ago_s=59.0, behind=7)))[1].splitlines() == [
        "judge.tasks.execute[id-1] is prefetched: execution@host holds it behind 7 others.",
        "  execution@host runs 2 of at most 2 tasks.",
        "  try: prefetch=1 and -O fair leave tasks to a worker that is free; -c makes this one run more;",
        "       celery_perf_timeout waits longer.",
    ]


def test_a_worker_without_a_child_holds_tasks_though_it_is_not_busy() -> None:
    empty = replace(WORKER, pool="prefork", busy=0, concurrency=1)
    held = [replace(task, worker=NODE, received_ago_s=3.0, behind=number) for number, task in enumerate(tasks(2))]
    queued = replace(TASK, task_id="id-9")
    _, stalled, queue = paragraphs(diagnosed(*held, queued, workers=(empty,), queue_depths=(("execution", 1),)))
    assert stalled.splitlines() == [
        "2 tasks wait in execution@host for a child process: judge.tasks.execute, for example id-1.",
        "  execution@host runs 0 of at most 1 tasks: its child is being replaced, or has not come up.",
        "  try: where --max-memory-per-child or --max-tasks-per-child replaces a child after each task, the next one",
        "       waits for the new child, up to 5 s: raise them, or let celery_perf_timeout wait longer;",
        "       or does a rate_limit on the task hold it back?",
    ]
    assert queue.splitlines()[-1] == "  They wait for what the tasks there wait for: a child process."
    assert "prefetch=1" not in stalled


@pytest.mark.parametrize("fields", [{"busy": 1}, {"pool": "gevent"}])
def test_a_worker_that_is_busy_or_has_no_children_waits_for_none(fields: dict[str, Any]) -> None:
    worker = replace(WORKER, **{"pool": "prefork", "busy": 0, **fields})
    assert "prefetched" in diagnosed(replace(TASK, worker=NODE, received_ago_s=3.0, behind=1), workers=(worker,))


def test_many_are_prefetched_by_one_worker() -> None:
    held = [replace(task, worker=NODE, behind=number) for number, task in enumerate(tasks(3), start=1)]
    text = paragraphs(diagnosed(*held))[1]
    assert text.startswith("3 tasks are prefetched by execution@host, the last one behind 3 others:\n")


def test_it_runs_still_and_its_stack_tells_where() -> None:
    stack = 'File "judge/tasks.py", line 31, in execute\n  requests.get(url)'
    running = replace(TASK, worker=NODE, started_ago_s=58.0, pid=811, process_alive=True, stack=stack)
    assert paragraphs(diagnosed(running))[1].splitlines() == [
        "judge.tasks.execute[id-1] still runs, for 58s now, in process 811 of execution@host.",
        "  It is here:",
        '    File "judge/tasks.py", line 31, in execute',
        "      requests.get(url)",
        "  try: if it is only slow, celery_perf_timeout or run(..., timeout=) waits longer;",
        "       if it hangs, a time_limit on the task ends it.",
    ]


def test_of_many_that_run_the_longest_is_shown() -> None:
    running = [replace(task, worker=NODE, started_ago_s=float(task.task_id[-1]), pid=811) for task in tasks(3)]
    text = diagnosed(*running)
    assert (
        "3 tasks judge.tasks.execute still run.\n  One does for 3s now, in process 811 of execution@host: id-3." in text
    )
    assert "It is here" not in text


def test_it_was_received_and_never_started() -> None:
    idle = replace(WORKER, busy=0)
    text = diagnosed(replace(TASK, worker=NODE, received_ago_s=59.0, behind=0, unacked=True), workers=(idle,))
    assert "1 task was received by execution@host, up to 59s ago, and never started, with nothing ahead:" in text
    assert "execution@host runs 0 of at most 2 tasks." in text
    assert "rate_limit" in text
