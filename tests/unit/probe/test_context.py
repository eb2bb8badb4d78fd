"""Code knows which execution it belongs to, in whatever thread, coroutine or greenlet it runs."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from pytest_celery_perf.probe import context


class Attempt:
    """Stands for an execution."""


@pytest.fixture(params=["prefork", "solo", "threads"])
def pool(request: pytest.FixtureRequest) -> Iterator[str]:
    context.configure(request.param)
    yield request.param
    context.unconfigure()


@pytest.fixture
def threads_pool() -> Iterator[None]:
    context.configure("threads")
    yield
    context.unconfigure()


@pytest.fixture
def attempt(pool: str) -> Iterator[Any]:
    attempt: Any = Attempt()
    scope = context.enter(attempt)
    yield attempt
    context.leave(scope)


def in_bare_thread(call: Callable[[], object]) -> object:
    """Call in a thread that carries nothing."""
    answer: list[object] = []
    done = threading.Event()

    def run() -> None:
        answer.append(call())
        done.set()

    contextvars.Context().run(threading.Thread(target=run).start)
    assert done.wait(10)
    return answer[0]


def test_outside_of_an_execution_there_is_none(pool: str) -> None:
    assert (context.current(), context.active()) == (None, 0)


def test_enter_and_leave(pool: str) -> None:
    attempt: Any = Attempt()
    scope = context.enter(attempt)
    assert (context.current(), context.active()) == (attempt, 1)
    context.leave(scope)
    assert (context.current(), context.active()) == (None, 0)


def test_a_nested_execution_gives_way_to_the_outer_one(attempt: Any) -> None:
    inner: Any = Attempt()
    scope = context.enter(inner)
    assert (context.current(), context.active()) == (inner, 2)
    context.leave(scope)
    assert context.current() is attempt


def test_a_thread_belongs_to_the_execution_that_started_it(attempt: Any) -> None:
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(context.current()))
    thread.start()
    thread.join()
    assert seen == [attempt]


def test_a_thread_keeps_its_own_run_method(attempt: Any) -> None:
    class Own(threading.Thread):
        seen: object = None

        def run(self) -> None:  # type: ignore[explicit-override] # `override` is not in Python 3.11
            self.seen = context.current()

    thread = Own()
    thread.start()
    thread.join()
    assert thread.seen is attempt
    assert "run" not in vars(thread)


def test_a_thread_that_ended_is_freed_without_the_garbage_collector(attempt: Any) -> None:
    gc.disable()
    try:
        thread = threading.Thread(target=int)
        freed = weakref.ref(thread)
        thread.start()
        thread.join()
        del thread
        assert freed() is None
    finally:
        gc.enable()


def test_a_thread_pool_works_for_the_execution_that_submits(attempt: Any) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(context.current).result() is attempt
        assert list(executor.map(lambda _: context.current(), range(2))) == [attempt, attempt]


def test_a_thread_that_a_pool_started_for_one_execution_works_for_others_too(threads_pool: None) -> None:
    attempts: list[Any] = [Attempt(), Attempt()]
    with ThreadPoolExecutor(1) as executor:
        for attempt in attempts:
            scope = context.enter(attempt)
            assert executor.submit(context.current).result() is attempt
            context.leave(scope)
        assert executor.submit(context.current).result() is None


def test_arguments_results_and_exceptions_pass_through_a_pool(attempt: Any) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert executor.submit(dict, [("a", 1)], b=2).result() == {"a": 1, "b": 2}
        with pytest.raises(ZeroDivisionError):
            executor.submit(divmod, 1, 0).result()


def test_coroutines_belong_to_the_execution_that_runs_them(attempt: Any) -> None:
    async def ask() -> list[object]:
        return await asyncio.gather(*(asyncio.to_thread(context.current) for _ in range(2)), asyncio.sleep(0, 7))

    assert asyncio.run(ask()) == [attempt, attempt, 7]


def test_a_thread_of_unknown_origin_belongs_to_the_only_execution_where_one_runs_at_a_time(
    attempt: Any, pool: str
) -> None:
    assert in_bare_thread(context.current) is (None if pool == "threads" else attempt)


def test_with_two_executions_a_thread_of_unknown_origin_belongs_to_neither(attempt: Any) -> None:
    other: Any = Attempt()
    scope = context.enter(other)
    assert in_bare_thread(context.current) is None
    context.leave(scope)


def test_executions_in_different_threads_do_not_see_each_other(threads_pool: None) -> None:
    both = threading.Barrier(2, timeout=10)

    def work(attempt: Any) -> tuple[bool, int]:
        scope = context.enter(attempt)
        both.wait()
        seen = context.current() is attempt, context.active()
        both.wait()
        context.leave(scope)
        return seen

    with ThreadPoolExecutor(2) as executor:
        seen = list(executor.map(work, [Attempt(), Attempt()]))
    assert seen == [(True, 2), (True, 2)]


def test_outside_of_an_execution_threads_are_left_alone(pool: str) -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    assert "run" not in vars(thread)


def test_unconfigure_puts_the_methods_back() -> None:
    before = threading.Thread.start, ThreadPoolExecutor.submit
    context.configure("prefork")
    context.configure("prefork")
    assert threading.Thread.start is not before[0]
    context.unconfigure()
    assert (threading.Thread.start, ThreadPoolExecutor.submit) == before


GREENLETS = """
import gevent
from pytest_celery_perf.probe import context

context.configure("gevent")
seen = []

def child(name):
    gevent.sleep(0)
    seen.append((name, context.current()))

def task(name):
    scope = context.enter(name)
    gevent.sleep(0)
    gevent.spawn(lambda: gevent.spawn(child, name).join()).join()
    assert context.current() == name
    context.leave(scope)
    assert context.current() is None

gevent.joinall([gevent.spawn(task, name) for name in "abc"], raise_error=True)
assert sorted(seen) == [("a", "a"), ("b", "b"), ("c", "c")], seen
assert context.current() is None and context.active() == 0
"""


@pytest.mark.gevent
def test_greenlets_belong_to_the_execution_that_spawned_them() -> None:
    done = subprocess.run([sys.executable, "-c", GREENLETS], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
