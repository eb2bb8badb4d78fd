"""Of a call stack, the user's own frames count."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_celery_perf.probe import callsite
from pytest_celery_perf.probe.callsite import Stack, is_user_file, stack_of, user_stack

PACKAGES = "/venv/lib/python3.11/site-packages"
CELERY = f"{PACKAGES}/celery/app/trace.py"
DJANGO = f"{PACKAGES}/django/db/models/query.py"
ASGIREF = f"{PACKAGES}/asgiref/sync.py"


def look_through(*frames: str, handed_over: Stack = ()) -> Stack:
    """Look at a stack of functions in these files, outermost first, that a new thread calls.

    Args:
        frames: Paths; the function is named after the file or, after a colon, as given.
        handed_over: What the thread was told of the one that gave it work.
    """
    call: Callable[[], Any] = functools.partial(eval, "look(_getframe(0))", {**vars(sys), "look": user_stack})
    for frame in reversed(frames):
        path, _, name = frame.partition(":")
        name = name or Path(path).stem
        scope: dict[str, Any] = {}
        exec(compile(f"def {name}(inner):\n    return inner()", path, "exec"), scope)
        call = functools.partial(scope[name], call)

    def look() -> Any:
        callsite.origin.set(handed_over)
        return call()

    with ThreadPoolExecutor(1) as thread:
        return tuple(frame for frame in thread.submit(look).result() if frame[0] != __file__)


def names(stack: Stack) -> list[str]:
    return [function for _, _, function in stack]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/app/shop/tasks.py", True),
        (__file__, True),
        (json.__file__, False),
        (callsite.__file__, False),
        (DJANGO, False),
        (f"{PACKAGES}/somebodys/tasks.py", False),
        ("/usr/lib/python3/dist-packages/django/apps.py", False),
        ("<frozen importlib._bootstrap>", False),
        ("<string>", False),
    ],
)
def test_users_files(path: str, expected: bool) -> None:
    assert is_user_file(path) is expected


def test_only_user_frames_are_kept_innermost_first() -> None:
    stack = look_through("/app/tasks.py", DJANGO, "/app/models.py", f"{PACKAGES}/somebodys/fields.py", DJANGO)
    assert stack == (("/app/models.py", 2, "models"), ("/app/tasks.py", 2, "tasks"))


def test_the_walk_ends_where_celery_calls_the_task() -> None:
    assert names(look_through("/app/manage.py", CELERY, "/app/tasks.py")) == ["tasks"]


def test_at_most_eight_frames_are_kept() -> None:
    stack = look_through(*(f"/app/f{number}.py" for number in range(12)))
    assert names(stack) == [f"f{number}" for number in range(11, 3, -1)]


def test_an_installed_application_is_seen_where_there_is_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(callsite._kinds, __file__, callsite._HIDDEN)
    assert names(look_through(CELERY, f"{PACKAGES}/shop/tasks.py", DJANGO)) == ["tasks"]


def test_where_nothing_but_frameworks_is_seen_the_stack_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(callsite._kinds, __file__, callsite._HIDDEN)
    assert look_through(CELERY, DJANGO) == ()


def test_a_function_inside_a_function_has_its_own_name() -> None:
    def inner() -> Stack:
        return user_stack(sys._getframe(0))

    class Service:
        def ask(self) -> Stack:
            return user_stack(sys._getframe(0))

    assert inner()[0][2] == "inner"
    assert Service().ask()[0][2] == "Service.ask"


def test_a_comprehension_is_no_frame_of_its_own() -> None:
    (stack,) = [user_stack(sys._getframe(0)) for _ in range(1)]
    assert stack[0][2] == "test_a_comprehension_is_no_frame_of_its_own"


GIVER = ("/app/tasks.py", 7, "work")


def test_what_handed_the_work_over_follows_the_threads_own_frames() -> None:
    assert names(look_through("/app/jobs.py", DJANGO, handed_over=(GIVER,))) == ["jobs", "work"]


def test_a_stack_that_reaches_the_task_needs_no_other() -> None:
    assert names(look_through(CELERY, "/app/tasks.py", handed_over=(GIVER,))) == ["tasks"]


def test_a_coroutine_comes_between_what_it_awaits_and_the_task_that_runs_it() -> None:
    stack = look_through(
        CELERY, "/app/tasks.py", f"{ASGIREF}:__call__", f"{ASGIREF}:thread_handler", DJANGO, handed_over=(GIVER,)
    )
    assert names(stack) == ["work", "tasks"]


def test_a_line_that_both_threads_know_is_told_once() -> None:
    task = ("/app/tasks.py", 2, "tasks")
    stack = look_through(CELERY, "/app/tasks.py", f"{ASGIREF}:thread_handler", handed_over=(GIVER, task))
    assert stack == (GIVER, task)


@pytest.fixture
def walks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count how often the whole stack is walked."""
    walk, walks = callsite._walk, []

    def counting(frame: Any) -> Any:
        walks.append(1)
        return walk(frame)

    monkeypatch.setattr(callsite, "_walk", counting)
    monkeypatch.setattr(callsite, "_paths", {})
    monkeypatch.setattr(callsite, "_MOST_PATHS", 3)
    return walks


def as_a_task(body: str) -> Callable[..., Any]:
    """Return a task; with ``look`` its body looks at the stack."""
    scope: dict[str, Any] = {"look": stack_of}
    exec(compile(body, "/app/tasks.py", "exec"), scope)
    exec(compile("def trace(*args):\n    return task(*args)", CELERY, "exec"), scope)
    trace: Callable[..., Any] = scope["trace"]
    return trace


def test_the_same_way_again_is_not_walked_again(walks: list[int]) -> None:
    task = as_a_task("def task(key):\n    return [look(key) for _ in range(5)]")
    stacks = task("SELECT 1")
    assert set(stacks) == {(("/app/tasks.py", 2, "task"),)}
    assert task("SELECT 1") == stacks
    assert len(walks) == 1


def test_another_line_and_another_caller_are_told_apart(walks: list[int]) -> None:
    task = as_a_task(
        "def ask(key):\n    return look(key)\n"
        "def task(key):\n    one = look(key)\n    two = look(key)\n"
        "    three = ask(key)\n    four = ask(key)\n    return one, two, three, four"
    )
    for _ in range(2):
        stacks = [[line for _, line, _ in stack] for stack in task("SELECT 1")]
        assert stacks == [[4], [5], [2, 6], [2, 7]]
    assert len(walks) == 8


def test_a_way_that_a_deeper_stack_took_is_not_looked_for_in_a_shallow_one(walks: list[int]) -> None:
    task = as_a_task("def task(key, depth):\n    return task(key, depth - 1) if depth else look(key)")
    assert [task("SELECT 1", depth) for depth in (300, 0)] == [(("/app/tasks.py", 2, "task"),)] * 2
    assert len(walks) == 2


def test_what_another_thread_asked_for_is_always_walked(walks: list[int]) -> None:
    def ask() -> Stack:
        callsite.origin.set((GIVER,))
        return stack_of("SELECT 1")

    with ThreadPoolExecutor(1) as thread:
        assert thread.submit(ask).result()[-1] == GIVER
    assert callsite._paths == {}


def test_only_so_many_ways_are_remembered(walks: list[int]) -> None:
    task = as_a_task("def task(key):\n    return look(key)")
    for number in range(10):
        task(f"SELECT {number}")
    assert list(callsite._paths) == ["SELECT 9"]
