"""Causes in a message are found and told in words that help."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.unit.judge.situations import NODE, TASK, WORKER, diagnosed, paragraphs, tasks


def test_it_waits_for_its_eta() -> None:
    assert paragraphs(diagnosed(replace(TASK, worker=NODE, received_ago_s=59.0, eta_in_s=540.0)))[1].splitlines() == [
        "judge.tasks.execute[id-1] waits for its ETA: it may start in 9min.",
        "  try: a shorter countdown= or eta= in the test, or a longer celery_perf_timeout (in a test with",
        "       celery_retries, celery_perf_time_scale shortens it).",
    ]


def test_a_retry_waits_for_its_countdown() -> None:
    retried = replace(TASK, eta_in_s=3590.0, retry=True)
    assert paragraphs(diagnosed(retried, replace(TASK, task_id="first", eta_in_s=90.0)))[1].splitlines() == [
        "judge.tasks.execute[id-1] waits for its ETA: it may start in 59.8min.",
        "  try: @pytest.mark.celery_retries(...) on the test shortens the countdowns of retries by",
        "       celery_perf_time_scale, and judges those that were asked for; celery_perf_timeout waits longer.",
    ]


def test_a_countdown_that_was_shortened_is_still_too_long() -> None:
    text = diagnosed(replace(TASK, eta_in_s=36.0, retry=True, shortened=True))
    assert "try: a smaller celery_perf_time_scale, by which that wait was shortened already" in text
    assert "celery_retries" not in text


def test_an_eta_beyond_the_visibility_timeout_is_warned_about() -> None:
    text = diagnosed(TASK, workers=(WORKER,), published=1)
    assert "visibility" not in text
    text = diagnosed(replace(TASK, eta_in_s=1.0), replace(TASK, task_id="id-2", eta_in_s=4000.0))
    assert "2 tasks wait for their ETA, the first may start in 1s, the last in 1.11h:" in text
    assert "beyond the visibility timeout (1h): Redis will deliver it twice." in text


def test_an_eta_that_has_passed_is_no_reason_to_wait() -> None:
    assert "ETA" not in diagnosed(replace(TASK, eta_in_s=-3.0))


def test_it_is_held_unacknowledged_by_a_worker_that_is_not_there() -> None:
    assert paragraphs(diagnosed(replace(TASK, unacked=True)))[1].splitlines() == [
        "1 task is held unacknowledged by a worker that is not there:",
        "  judge.tasks.execute[id-1].",
        "  Redis delivers that again only after the visibility timeout, 1h, and up to 100s more until a worker looks.",
        "  In production execution@host would take it within 1.03h.",
        "  try: if the test kills a worker, celery_recovery(kill=...) brings that moment forward;",
        "       reject_on_worker_lost=True gives a task back at once when only its child process dies.",
    ]


def test_it_is_held_though_its_process_is_gone() -> None:
    gone = {"worker": NODE, "started_ago_s": 5.0, "pid": 811, "process_alive": False, "unacked": True}
    text = diagnosed(*tasks(3, **gone))
    assert "3 tasks are held unacknowledged" in text
    assert "Process 811 began to run judge.tasks.execute[id-1] and is gone." in text


def test_a_running_task_with_late_acknowledgment_is_not_held() -> None:
    running = replace(TASK, worker=NODE, started_ago_s=5.0, pid=811, process_alive=True, unacked=True)
    assert "unacknowledged" not in diagnosed(running)


ENDED = replace(TASK, worker=NODE, started_ago_s=5.0, pid=811, ended=True)


def test_it_has_ended_and_its_worker_has_not_acknowledged_that() -> None:
    assert paragraphs(diagnosed(replace(ENDED, process_alive=True, unacked=True)))[1].splitlines() == [
        "1 task has ended, and execution@host has not acknowledged that:",
        "  judge.tasks.execute[id-1].",
        "  Redis delivers that again only after the visibility timeout, 1h, and up to 100s more until a worker looks.",
        "  In production execution@host would take it within 1.03h.",
        "  try: what a worker runs while its connection breaks runs again: make the task idempotent, see",
        "       celery_idempotent; celery_perf_timeout waits longer than the worker takes to come back.",
    ]


def test_what_has_ended_is_not_lost_with_its_process() -> None:
    text = diagnosed(replace(ENDED, process_alive=False, unacked=False))
    assert "lost" not in text
    assert 'to the queue "execution"; it has ended once, and its message came back after that.' in text


def test_it_is_lost_when_it_was_acknowledged_before_its_process_died() -> None:
    gone: dict[str, Any] = {"worker": NODE, "started_ago_s": 5.0, "pid": 811, "process_alive": False, "unacked": False}
    assert paragraphs(diagnosed(replace(TASK, **gone)))[1].splitlines() == [
        "1 task is lost:",
        "  judge.tasks.execute[id-1].",
        "  It was acknowledged, then process 811 died with it; no worker will run it again.",
        "  try: acks_late=True on the task, and reject_on_worker_lost=True for when only its child process dies.",
    ]
    assert "They were acknowledged" in diagnosed(*tasks(2, **gone))


def test_nobody_knows_what_became_of_it() -> None:
    text = diagnosed(TASK, queue_depths=(("execution", 0),))
    assert "Nobody knows what became of 1 task:\n  judge.tasks.execute[id-1].\n" in text
    assert 'Published 60s ago to the queue "execution"; no worker received it.' in text
    gone = replace(TASK, worker=NODE, started_ago_s=5.0, pid=811, process_alive=False)
    assert "process 811 began to run it, and is gone." in diagnosed(gone)
