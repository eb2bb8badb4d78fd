"""Each task is told once, under its likeliest cause; what was never published is told too."""

from __future__ import annotations

from dataclasses import replace

from tests.unit.judge.situations import NODE, TASK, diagnosed, paragraphs, tasks


def test_the_headline_says_how_many_and_for_how_long() -> None:
    assert paragraphs(diagnosed(*tasks(12)))[0] == "12 of 50 tasks had not finished after 60s."
    assert paragraphs(diagnosed(TASK, published=1))[0] == "1 of 1 task had not finished after 60s."


def test_all_is_well_if_everything_finished() -> None:
    assert diagnosed() == ""


def test_nothing_was_published() -> None:
    text = diagnosed(published=0)
    assert paragraphs(text)[0] == "Nothing was published."
    assert "No task was sent to the broker" in text
    assert "does the code under test get as far as .delay() or .apply_async()?" in text


def test_publishing_waits_for_a_commit_that_never_comes() -> None:
    text = diagnosed(published=0, on_commit_callbacks=3)
    assert "3 functions wait for transaction.on_commit in a transaction that never commits" in text
    assert "@pytest.mark.django_db(transaction=True)" in text
    assert ".delay()" not in text


def test_publishing_waited_for_a_commit_that_became_a_rollback() -> None:
    text = diagnosed(published=0, rolled_back=1)
    assert paragraphs(text)[1].splitlines() == [
        "1 function was given to transaction.on_commit in a transaction that was rolled back. So it never ran.",
        "  try: let it commit: does an exception leave its atomic() block, or is set_rollback(True) called?",
        "  try: if it shall be rolled back, nothing is sent in production either: this test has no task to judge.",
    ]
    assert "2 functions were given" in diagnosed(published=0, rolled_back=2)
    assert "rolled back" not in diagnosed(published=1, rolled_back=1)


def test_some_were_published_and_others_wait_for_the_commit() -> None:
    text = diagnosed(published=2, on_commit_callbacks=1)
    assert paragraphs(text)[0] == "Not every task was published (2 were)."
    assert "1 function waits for transaction.on_commit" in text


def test_the_likeliest_cause_is_told_first_and_every_task_once() -> None:
    pending = (
        replace(TASK, task_id="busy", worker=NODE, started_ago_s=5.0, pid=811),
        replace(TASK, task_id="later", eta_in_s=90.0),
        replace(TASK, task_id="nowhere", queue="x"),
    )
    text = diagnosed(*pending, on_commit_callbacks=1)
    found = [next(id_ for id_ in ("busy", "later", "nowhere", "on_commit") if id_ in p) for p in paragraphs(text)[1:]]
    assert found == ["nowhere", "later", "busy", "on_commit"]


def test_fifty_tasks_of_the_same_cause_make_one_paragraph() -> None:
    assert len(paragraphs(diagnosed(*tasks(50, queue="x")))) == 2
