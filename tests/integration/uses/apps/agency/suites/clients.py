"""Packages that a task imports while it is measured."""

from __future__ import annotations

import pytest
from agency.tasks import fetch_by, query

from pytest_celery_perf.measure.registry import OF_EXECUTION

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.celery_worker(pool="prefork", concurrency=1)]


@pytest.mark.parametrize("client", ["requests", "httpx", "async httpx", "aiohttp"])
def test_requests_of(celery_perf, client, port):
    (execution,) = celery_perf.run(fetch_by, [client, port]).history.executions
    assert execution.outcome == "succeeded", execution.error
    requests = execution.figures.requests.requests
    told = {(each.method, each.host, each.path, each.status, each.times) for each in requests}
    assert told == {("GET", "localhost", "/clients/#", 200, 1), ("PUT", "localhost", "/clients/#", 200, 1)}
    assert OF_EXECUTION["outbound_calls"](execution) == 2
    assert {each.where.function.removeprefix("_") for each in requests} <= {
        "fetch_by",
        "fetch_by_httpx",
        "fetch_by_aiohttp",
    }


def test_queries_of_sqlalchemy(celery_perf):
    first, second = celery_perf.run(query, times=2, concurrency=1).history.executions
    assert [sum(use.count for use in each.queries if use.alias == "aside") for each in (first, second)] == [3, 3]
