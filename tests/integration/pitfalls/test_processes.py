from __future__ import annotations

import celery
import pytest

from tests.integration.pitfalls.session import Session, query_counts


def test_a_process_for_each_task(shop: Session) -> None:
    """Pitfall 7: ``--max-tasks-per-child=1``: every record survives, and a warm-up never helps."""
    message = shop.failed("test_only_child")
    run = shop.runs["test_only_child"]
    assert len({execution.pid for execution in run.history.executions}) == 3
    assert [execution.first_in_process for execution in run.history.executions] == [True] * 3
    assert query_counts(run) == [2, 2, 2]
    assert "queries 2 = 2" in message
    assert "run the task more often than warmup=1 in each process" in message


def test_the_first_execution_differs(shop: Session) -> None:
    """Pitfall 8: a process remembers content types. The report shows it, and a warm-up leaves it out."""
    assert query_counts(shop.passed("test_warm_up")) == [2, 1, 1, 1]
    assert query_counts(shop.runs["test_no_warm_up"]) == [2, 1, 1, 1]
    assert "judged 4 executions: 1 to 2 queries each" in shop.failed("test_no_warm_up")


@pytest.mark.parametrize("alias", ["results", "local"])
def test_caches_do_not_survive_a_test(alias: str, shop: Session) -> None:
    """Pitfall 9: a cache in Redis survives processes, one in memory survives tests: each test begins without."""
    assert query_counts(shop.passed(f"test_cache[first-{alias}]")) == [1, 0, 0]
    assert query_counts(shop.passed(f"test_cache[second-{alias}]")) == [1, 0, 0]


def test_caches_are_shared_with_the_test(shop: Session) -> None:
    """Pitfall 9: what the worker has stored the test can see, and clear between its samples."""
    assert query_counts(shop.passed("test_cache_is_shared")) == [1, 1]


def test_threads(shop: Session) -> None:
    """Pitfall 18: twenty threads at a time, and every query counts for the task that sent it."""
    run = shop.passed("test_threads")
    assert query_counts(run) == [3] * 60
    assert {execution.unattributed_queries for execution in run.history.executions} == {0}


def test_connections_that_are_kept(shop: Session) -> None:
    """Pitfall 22: ``CONN_MAX_AGE=None`` on a second database: Celery closes it all the same; it is counted always."""
    run = shop.passed("test_kept_connections")
    assert query_counts(run) == [1, 1, 1]
    # Until 5.7 Celery heeded CONN_MAX_AGE here.
    expected = [1, 1, 1] if celery.VERSION[:2] >= (5, 7) else [1, 0, 0]
    assert [execution.connects for execution in run.history.executions] == expected
