"""Queries of SQLAlchemy, in the records as those of Django; on every pool."""

from __future__ import annotations

import pytest
from ledger import asynchronously, be_refused, book, in_threads, look_up_both, one_by_one, reconnect, slowly, together
from models import engine

from pytest_celery_perf.measure.queries import profile
from pytest_celery_perf.measure.registry import OF_EXECUTION

NAME = engine.url.database


def asked(celery_perf, task, *args):
    (execution,) = celery_perf.run(task, args).history.executions
    assert execution.outcome == "succeeded", execution.error
    return profile(execution)


class Pool:
    """What holds on every pool."""

    def test_a_query_for_each_row_is_an_n_plus_one(self, celery_perf):
        told = asked(celery_perf, one_by_one)
        assert told.count == 6
        (repeated,) = told.n_plus_one
        assert (repeated.count, repeated.verb) == (5, "SELECT")
        assert {frame.function for stack, _ in repeated.stacks for frame in stack} <= {"one_by_one", "<listcomp>"}

    def test_an_eager_load_is_none(self, celery_perf):
        told = asked(celery_perf, together)
        assert (told.count, told.n_plus_one) == (2, ())

    def test_writes(self, celery_perf):
        told = asked(celery_perf, book, 7)
        assert told.by_verb == {"UPDATE": 1, "INSERT": 2}
        assert told.transaction_control == 2  # a savepoint and its release
        assert [statement.repeated for statement in told.statements] == [()] * len(told.statements)

    def test_databases_are_told_apart(self, celery_perf):
        assert asked(celery_perf, look_up_both).by_alias == {NAME: 1, "archive": 2}

    def test_refused_statements_count(self, celery_perf):
        told = asked(celery_perf, be_refused)
        assert [(each.fingerprint, each.count) for each in told.statements] == [("SELECT missing FROM nowhere", 2)]

    def test_connects(self, celery_perf):
        told = asked(celery_perf, reconnect)
        assert (told.count, OF_EXECUTION["connects"](told.execution)) == (3, 3)
        assert told.execution.connect_ns > 0

    def test_threads(self, celery_perf):
        told = asked(celery_perf, in_threads)
        assert (told.count, told.execution.unattributed_queries) == (4, 0)

    def test_slow_queries(self, celery_perf):
        told = asked(celery_perf, slowly)
        assert told.count == 2
        assert OF_EXECUTION["slow_queries"](told.execution) in {1, 2}  # beside load the other one may be slow, too


class Asynchronous:
    """What an event loop needs, which gevent has not."""

    def test_coroutines(self, celery_perf):
        told = asked(celery_perf, asynchronously)
        assert told.count == 6
        assert {stack[0].function for statement in told.statements for stack, _ in statement.stacks} == {
            "_asynchronously"
        }
        (repeated,) = told.n_plus_one
        assert repeated.count == 5


@pytest.mark.celery_worker(pool="prefork", concurrency=2)
class TestPrefork(Pool, Asynchronous):
    pass


@pytest.mark.celery_worker(pool="solo")
class TestSolo(Pool, Asynchronous):
    pass


@pytest.mark.celery_worker(pool="threads", concurrency=4)
class TestThreads(Pool, Asynchronous):
    pass


@pytest.mark.celery_worker(pool="gevent", concurrency=4)
class TestGevent(Pool):
    pass
