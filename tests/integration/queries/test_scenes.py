"""What belongs to which task, where several run or a process is not plain."""

from __future__ import annotations

import pytest

from tests.integration.queries.conftest import Answer, Theatre

COUNT = "SELECT COUNT(*) AS __count FROM library_author"


def test_hooks_are_told_apart(theatre: Theatre) -> None:
    answer = theatre.play("prefork", "hook_and_body")["hook_and_body"]
    assert answer.counts == {COUNT: 1}
    assert answer.profile.hooks == 2


def test_a_fault_waits_for_the_nth_query_on_either_database(theatre: Theatre) -> None:
    answer = theatre.play("prefork", "numbered")["numbered"]
    assert answer.numbers == [1, 2, 3]
    assert answer.result == "RuntimeError('struck at 3')"
    assert answer.counts == {COUNT: 2}, "the third was never sent"


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_thread_that_outlives_its_task_is_not_taken_for_the_next(theatre: Theatre, pool: str) -> None:
    answer = theatre.play(pool, "outlived")["outlived"]
    assert answer.counts == {}
    assert answer.problems == ["a thread that outlived its task made queries, which belong to no execution"]


@pytest.mark.parametrize("pool", ["prefork", "threads"])
def test_a_shared_thread_pool_works_for_whoever_submits(theatre: Theatre, pool: str) -> None:
    first, second = theatre.play(pool, "shared_thread_pool")["shared_thread_pool"]
    assert (first.counts, second.counts) == ({COUNT: 1}, {COUNT: 3})
    assert second.problems == []


def test_tasks_at_the_same_time_are_told_apart_and_a_stray_query_is_reported(theatre: Theatre) -> None:
    three, five = theatre.play("threads", "at_the_same_time")["at_the_same_time"]
    assert (three.counts, five.counts) == ({COUNT: 6}, {COUNT: 10})
    assert (three.unattributed, five.unattributed) == (1, 1)


@pytest.mark.gevent
def test_greenlets_work_for_the_task_that_spawned_them(theatre: Theatre) -> None:
    three, five = theatre.play("gevent", "greenlets")["greenlets"]
    assert (three.counts, five.counts) == ({COUNT: 9}, {COUNT: 15})
    assert (three.unattributed, five.unattributed) == (0, 0)


@pytest.mark.gevent
def test_queries_in_a_gevent_worker_are_counted_as_elsewhere(theatre: Theatre) -> None:
    names = ("n_plus_one", "in_threads", "in_a_thread_pool", "reconnects", "savepoints")
    answers: dict[str, Answer] = theatre.play("gevent", *names)
    assert [answers[name].profile.count for name in names] == [6, 3, 5, 3, 4]


def test_the_capture_survives_a_fork(theatre: Theatre) -> None:
    assert theatre.play("prefork", "forked")["forked"].profile.count == 6


@pytest.mark.postgresql
@pytest.mark.parametrize("theatre", ["postgresql"], indirect=True)
def test_a_statement_composed_of_parts_is_text(theatre: Theatre) -> None:
    answer = theatre.play("prefork", "composed_sql")["composed_sql"]
    assert answer.counts == {"SELECT title FROM library_book WHERE id = ?": 1}


def test_the_capture_can_be_taken_off(theatre: Theatre) -> None:
    assert theatre.play("prefork", "removed")["removed"] == []
