"""What a history comes to in a lock file, and what is left out of it rather than guessed."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.measure.facts import facts_of, lasts_by_the_clock, places
from pytest_celery_perf.model.figures import CallUse, Figures
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.lock import Bounds, TaskFacts
from pytest_celery_perf.model.record import Execution, Outcome
from pytest_celery_perf.model.uses import CacheCall, CacheUse, Connection, HttpUse, OutboundUse
from tests.unit.histories import NAME, at, crashed, execution, failed, history, publication, query, retried

LINE = Frame(path="/app/shop/tasks.py", line=30, function="charge")


def facts(*executions: Execution, **fields: Any) -> TaskFacts:
    return facts_of(history(*executions, **fields), "python 3.11").tasks[NAME]


def counts(**numbers: int) -> dict[str, Bounds]:
    return {name: Bounds.exactly(number) for name, number in numbers.items()}


def test_all_executions_of_a_task_count_together() -> None:
    found = facts(
        retried("t1", countdown_s=1, queries=(query(2),)), execution("t1", retries=1, queries=(query(2),)), failed("t2")
    )
    assert found.tally == counts(executions=3, failures=1, retries=1)
    assert found.kinds["queries"] == {"SELECT * FROM shop_order WHERE id = ?": Bounds.exactly(4)}


def test_tasks_that_refrain_or_are_refused_are_counted_by_what_became_of_them() -> None:
    thrown = publication("t4", discarded=Outcome.REVOKED, expired=True)
    found = facts(
        execution("t1", outcome=Outcome.IGNORED),
        execution("t2", outcome=Outcome.REJECTED),
        execution("t3"),
        publications=(*map(publication, ("t1", "t2", "t3")), thrown),
    )
    assert found.tally == counts(executions=3, ignored=1, rejected=1, revoked=1)


def test_statements_are_told_apart_by_database_not_by_columns_or_control() -> None:
    uses = (
        query(sql="SELECT a.id, a.name FROM a WHERE a.id = %s"),
        query(sql="SELECT a.id, a.name, a.age FROM a WHERE a.id = %s"),
        query(sql="SELECT 1", alias="archive"),
        query(sql="SAVEPOINT x"),
        query(sql="SELECT hook", phase="hooks"),
    )
    assert facts(execution(queries=uses)).kinds["queries"] == {
        "SELECT … FROM a WHERE id = ?": Bounds.exactly(2),
        "archive: SELECT ?": Bounds.exactly(1),
    }


def test_servers_of_the_tests_have_no_ports() -> None:
    peers = [("127.0.0.1", 4711), ("localhost", 4712), ("::1", 4713), ("db.example.org", 443), ("/run/x.sock", None)]
    made = tuple(Connection(host=host, port=port, made=1, failed=0, where=LINE) for host, port in peers)
    figures = Figures(outbound=OutboundUse(connections=made), requests=HttpUse())
    found = facts(execution(figures=figures))
    assert found.kinds["outbound"] == {
        "a socket file": Bounds.exactly(1),
        "db.example.org:443": Bounds.exactly(1),
        "localhost": Bounds.exactly(3),
    }


def test_the_cache_is_counted_by_what_is_asked_of_it() -> None:
    events = ("hit", "miss", "set", "touch", "delete")
    calls = tuple(CacheCall(alias="default", event=event, key="k", lasting=False, times=2) for event in events)
    found = facts(execution(figures=Figures(cache=CacheUse(calls=calls))))
    assert found.kinds["cache"] == counts(gets=4, misses=2, sets=4, deletes=2)


def test_calls_are_those_of_an_environment() -> None:
    found = facts(*(execution(each, figures=Figures(calls=CallUse(count=5, most=()))) for each in ("t1", "t2")))
    assert found.kinds["calls"] == {"python 3.11": Bounds.exactly(10)}


def test_what_a_task_publishes_is_no_attempt_of_its_own() -> None:
    messages = (
        publication("t1"),
        publication("t1", ms=1, retries=1, parent_id="t1"),
        publication("c1", ms=2, name="shop.tasks.mail", parent_id="t1"),
    )
    found = facts(execution("t1"), publications=messages)
    assert found.kinds["published"] == {"shop.tasks.mail": Bounds.exactly(1)}


def test_what_nobody_knows_is_absent() -> None:
    assert {*facts(execution()).kinds} == {"published", "queries"}
    assert {*facts(execution(queries_counted=False)).kinds} == {"published"}
    assert {*facts(execution(unattributed_queries=1)).kinds} == {"published"}
    assert {*facts(crashed(), execution("t2")).kinds} == {"published"}


def test_an_open_loop_lasts_by_the_clock() -> None:
    assert not lasts_by_the_clock(history(execution()))
    assert lasts_by_the_clock(history(publications=(publication(intended_ns=at(0)),)))


def test_who_did_it_is_known_by_line() -> None:
    other = Frame(path="/app/shop/tasks.py", line=40, function="charge")
    use = query(5, stacks=(((LINE,), 1), ((other, LINE), 3), ((), 1)))
    found = places(history(execution(queries=(use,))), NAME, "queries", "SELECT * FROM shop_order WHERE id = ?")
    assert found == ((other, 3), (LINE, 1))
