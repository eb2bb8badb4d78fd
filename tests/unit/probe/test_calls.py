"""A count of calls does not depend on what earlier tests had a reused worker measure: its wrappers are no calls."""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest
from django.core.cache.backends.locmem import LocMemCache

from pytest_celery_perf.probe import caches, callsite, connections, context, effects
from pytest_celery_perf.probe.attempt import RunningAttempt
from pytest_celery_perf.probe.instruments import calls, requests


@pytest.fixture(autouse=True)
def configured() -> Iterator[None]:
    context.configure("prefork")
    yield
    context.unconfigure()


def calls_of(body: Callable[[], object]) -> int:
    """Count the calls in the body of an execution that is measured by nothing else."""
    faults: Any = None
    attempt = RunningAttempt("shop.charge", "id", 0, {"t": "token"}, (), faults, None, True)
    scope = context.enter(attempt)
    reading = calls.begin(attempt)
    reading.begin_body()
    body()
    reading.end_body()
    context.leave(scope)
    rows = reading.end()
    assert rows is not None
    return rows[0].calls


def answer(*_: Any, **__: Any) -> int:
    return 1


@pytest.mark.parametrize(
    ("wrapper", "args"),
    [
        pytest.param(caches._noting("get", True), (LocMemCache("unit", {}), "key"), id="cache"),
        pytest.param(requests._answering, (HTTPConnection("unit"),), id="answer"),
        pytest.param(requests._putting, (HTTPConnection("unit"), "GET", "/"), id="request"),
        pytest.param(effects._storing, (None, "id", 1, "SUCCESS"), id="result"),
    ],
)
def test_wrappers_that_stay(wrapper: Callable[[Any], Any], args: tuple[Any, ...]) -> None:
    wrapped = wrapper(answer)
    assert calls_of(lambda: wrapped(*args)) == calls_of(lambda: answer(*args)) == 2


def test_connections() -> None:
    wrapped = connections._connecting(answer)
    with socket.socket() as sock:
        assert calls_of(lambda: wrapped(sock, ("unit", 1))) == calls_of(lambda: answer(sock)) == 2


def test_a_query_of_sqlalchemy() -> None:
    counted: list[int] = []
    assert calls_of(lambda: callsite.beside_coroutine(counted.append, 1)) == calls_of(lambda: counted.append(2)) == 1
    assert counted == [1, 2]


def test_a_collection_at_any_moment() -> None:
    callbacks, threshold = list(gc.callbacks), gc.get_threshold()
    try:
        for allocations in range(1, 60):
            gc.collect()
            gc.set_threshold(allocations)
            assert calls_of(answer) == 1
            gc.set_threshold(*threshold)
    finally:
        gc.set_threshold(*threshold)
    assert gc.callbacks == callbacks


def test_a_neighbour_of_this_package_is_not_this_package() -> None:
    code = compile("def neighbour():\n    pass", f"{calls._OURS.rstrip('/')}_plugin/tasks.py", "exec")
    scope: dict[str, Any] = {}
    exec(code, scope)
    assert calls_of(scope["neighbour"]) == 1
