"""What is counted of a task's body, on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.queries.conftest import Answer, Theatre

AUTHOR_BY_ID = "SELECT library_author.id, library_author.name FROM library_author WHERE library_author.id = ? LIMIT ?"
COUNT = "SELECT COUNT(*) AS __count FROM library_author"

BODIES = (
    "n_plus_one",
    "n_plus_one_in_a_comprehension",
    "joined",
    "two_lines",
    "bulk_writes",
    "chunked_reads",
    "executemany",
    "iterator",
    "savepoints",
    "broken_transaction",
    "bad_sql",
    "wide_in",
    "many",
    "different_texts",
    "reconnects",
    "copied_connection",
    "other_alias",
    "wrappers_of_the_app",
    "query_while_connecting",
    "in_threads",
    "in_a_thread_of_a_thread",
    "in_a_thread_pool",
    "library_function_in_a_thread_pool",
    "asynchronous",
    "asynchronous_in_a_loop_of_its_own",
    "gathered",
)


@pytest.fixture(scope="module", params=["prefork", "threads"])
def answers(request: pytest.FixtureRequest, theatre: Theatre) -> dict[str, Answer]:
    answers = theatre.play(request.param, *BODIES)
    assert {name for name, answer in answers.items() if answer.problems or answer.unattributed} == set()
    return answers


def functions(answer: Answer, fingerprint: str) -> list[list[str]]:
    """Return the stacks from which a statement was sent."""
    (statement,) = [one for one in answer.profile.statements if one.fingerprint == fingerprint]
    return [[frame.function for frame in stack] for stack, _ in statement.stacks]


def repeated(answer: Answer) -> list[str]:
    return [statement.fingerprint for statement in answer.profile.n_plus_one]


@pytest.mark.parametrize("name", ["n_plus_one", "n_plus_one_in_a_comprehension"])
def test_a_query_for_each_row_is_an_n_plus_one(answers: dict[str, Answer], name: str) -> None:
    answer = answers[name]
    assert answer.counts[AUTHOR_BY_ID] == 5
    assert repeated(answer) == [AUTHOR_BY_ID]
    assert functions(answer, AUTHOR_BY_ID) == [[name]]
    assert answer.profile.count == 6


def test_a_join_is_one_query(answers: dict[str, Answer]) -> None:
    assert answers["joined"].profile.count == 1
    assert repeated(answers["joined"]) == []


def test_the_same_statement_on_two_lines_is_no_n_plus_one(answers: dict[str, Answer]) -> None:
    assert list(answers["two_lines"].counts.values()) == [2]
    assert repeated(answers["two_lines"]) == []


def test_batches_of_bulk_writes_are_one_statement_and_no_repetition(answers: dict[str, Answer]) -> None:
    profile = answers["bulk_writes"].profile
    verbs = {statement.verb: statement for statement in profile.statements}
    assert (verbs["INSERT"].count, verbs["UPDATE"].count) == (3, 3)
    assert verbs["UPDATE"].repeated == ()
    assert profile.n_plus_one == ()


def test_reading_in_chunks_is_no_n_plus_one(answers: dict[str, Answer]) -> None:
    assert list(answers["chunked_reads"].counts.values()) == [4]
    assert repeated(answers["chunked_reads"]) == []


def test_executemany_is_one_query(answers: dict[str, Answer]) -> None:
    answer = answers["executemany"]
    (update,) = answer.profile.statements
    assert (update.verb, update.count, update.repeated) == ("UPDATE", 1, ())
    assert [use.many for use in answer.uses if use.sql.startswith("UPDATE")] == [1]


def test_a_server_side_cursor_is_one_query(answers: dict[str, Answer]) -> None:
    assert (answers["iterator"].result, answers["iterator"].profile.count) == (5, 1)


def test_transaction_control_is_not_counted(answers: dict[str, Answer], theatre: Theatre) -> None:
    profile = answers["savepoints"].profile
    assert answers["savepoints"].counts == {COUNT: 4}
    assert profile.transaction_control == 6 + (theatre.vendor == "sqlite")  # where BEGIN is seen


def test_a_query_in_a_broken_transaction_is_counted_and_still_raises(answers: dict[str, Answer]) -> None:
    answer = answers["broken_transaction"]
    assert answer.counts[COUNT] == 1
    assert answer.result.startswith("TransactionManagementError(")


def test_a_refused_statement_is_counted_and_still_raises(answers: dict[str, Answer]) -> None:
    answer = answers["bad_sql"]
    assert answer.counts == {"SELECT missing FROM nowhere": 1}
    assert "nowhere" in answer.result


def test_a_wide_in_is_one_short_statement(answers: dict[str, Answer]) -> None:
    answer = answers["wide_in"]
    assert answer.result == 5
    assert answer.counts == {"SELECT COUNT(*) AS __count FROM library_book WHERE library_book.id IN (?)": 1}


def test_thousands_of_queries_are_counted_and_few_sampled(answers: dict[str, Answer]) -> None:
    (statement,) = answers["many"].profile.statements
    assert statement.count == 9500
    assert statement.sampled == 8 + len([16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192])


def test_thousands_of_different_texts_keep_the_count(answers: dict[str, Answer]) -> None:
    answer = answers["different_texts"]
    assert sum(answer.counts.values()) == 2500
    assert len(answer.uses) == 2001
    assert "one of more than 2000 different statements" in answer.uses[-1].sql
    assert answer.profile.by_verb == {"SELECT": 2500}


def test_the_wrapper_stays_single_over_close_and_reopen(answers: dict[str, Answer]) -> None:
    answer = answers["reconnects"]
    assert answer.result == 1
    assert answer.counts == {COUNT: 3}
    assert answer.connects == 3
    assert answer.connect_ns > 0


def test_a_copied_connection_is_counted(answers: dict[str, Answer]) -> None:
    assert answers["copied_connection"].counts == {"SELECT ?": 1}


def test_databases_are_told_apart(answers: dict[str, Answer]) -> None:
    assert answers["other_alias"].profile.by_alias == {"replica": 1, "default": 1}


def test_wrappers_of_the_app_and_ours_do_not_disturb_each_other(answers: dict[str, Answer]) -> None:
    ours, position, seen = answers["wrappers_of_the_app"].result
    assert (ours, position) == (1, 0)
    assert seen > 0
    assert answers["wrappers_of_the_app"].counts == {COUNT: 41}


def test_queries_while_connecting_are_told_apart(answers: dict[str, Answer]) -> None:
    answer = answers["query_while_connecting"]
    assert answer.counts == {COUNT: 1}
    assert answer.profile.connect == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("in_threads", 3),
        ("in_a_thread_of_a_thread", 2),
        ("in_a_thread_pool", 5),
        ("library_function_in_a_thread_pool", 3),
        ("gathered", 4),
    ],
)
def test_threads_work_for_the_task_that_gave_them_work(answers: dict[str, Answer], name: str, expected: int) -> None:
    answer = answers[name]
    assert answer.counts == {COUNT: expected}
    assert {stack[-1] for stack in functions(answer, COUNT)} == {name}, "the stack ends where the task handed over"


@pytest.mark.parametrize("name", ["asynchronous", "asynchronous_in_a_loop_of_its_own"])
def test_the_line_of_a_coroutine_is_the_call_site(answers: dict[str, Answer], name: str) -> None:
    answer = answers[name]
    assert answer.profile.count == 7
    assert repeated(answer) == [AUTHOR_BY_ID]
    (stack,) = functions(answer, AUTHOR_BY_ID)
    assert (stack[0], stack[-1]) == ("_ask", name)


def test_each_row_is_timed(answers: dict[str, Answer]) -> None:
    uses: list[Any] = [use for answer in answers.values() for use in answer.uses]
    assert all(use.time_ns > 0 for use in uses)
