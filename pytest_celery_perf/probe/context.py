"""Which execution the code that runs right now belongs to.

A context variable answers that, coroutines included. It is carried into the threads which a
task starts and into what it submits to thread pools. Under gevent, greenlets inherit it
through ``spawn_tree_locals``. Where one task runs at a time (prefork, solo), code in a thread
of unknown origin belongs to that one.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import patch
from pytest_celery_perf.probe.callsite import Stack, origin, user_stack

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

    Scope = tuple["RunningAttempt", "RunningAttempt | None", "dict[str, Any] | None"]
    """What `enter` gives to `leave`: the execution, and what was current before."""

_TREE_KEY = "celery_perf_attempt"

_current: ContextVar[RunningAttempt | None] = ContextVar("celery_perf_attempt", default=None)
_active: dict[int, RunningAttempt] = {}
_one_at_a_time = False
_this_greenlet: Callable[[], Any] | None = None


def configure(pool: str) -> None:
    """Set this process up for a pool. May be called again; survives a fork.

    From here on, threads and thread pools work for the execution that gives them work; both
    are left alone outside of one.

    Args:
        pool: ``prefork``, ``solo``, ``threads`` or ``gevent``.

    Source:
        ``threading.Thread.start`` and ``concurrent.futures.ThreadPoolExecutor.submit``: up to
        Python 3.13 neither carries context variables.
    """
    global _one_at_a_time, _this_greenlet
    _one_at_a_time = pool in ("prefork", "solo")
    _this_greenlet = sys.modules["gevent"].getcurrent if pool == "gevent" else None
    patch.wrap(threading.Thread, "start", _starting)
    patch.wrap(ThreadPoolExecutor, "submit", _submitting)


def enter(attempt: RunningAttempt) -> Scope:
    """Let an execution begin in this thread, coroutine or greenlet.

    Returns:
        What `leave` needs to end it.
    """
    before = _current.get()
    _current.set(attempt)
    _active[id(attempt)] = attempt
    if _this_greenlet is None:
        return attempt, before, None
    greenlet = _this_greenlet()
    tree = getattr(greenlet, "spawn_tree_locals", None)
    # A dictionary of its own: the one that was inherited is shared with all other tasks.
    greenlet.spawn_tree_locals = {**(tree or {}), _TREE_KEY: attempt}
    return attempt, before, tree


def leave(scope: Scope) -> None:
    """End the execution that `enter` began."""
    attempt, before, tree = scope
    _active.pop(id(attempt), None)
    _current.set(before)
    if _this_greenlet is not None:
        _this_greenlet().spawn_tree_locals = tree


def current() -> RunningAttempt | None:
    """Return the execution that the calling code belongs to, if that is known."""
    attempt = _current.get()
    if attempt is not None:
        return attempt
    if _this_greenlet is not None:
        return of_greenlet(_this_greenlet())
    if _one_at_a_time and _active:
        running = [*_active.values()]
        return running[0] if len(running) == 1 else None
    return None


def of_greenlet(greenlet: Any) -> RunningAttempt | None:
    """Return the execution that a greenlet works for."""
    tree = getattr(greenlet, "spawn_tree_locals", None)
    return tree.get(_TREE_KEY) if tree else None


def has_greenlets() -> bool:
    """Tell whether the executions of this process are greenlets."""
    return _this_greenlet is not None


def active() -> int:
    """Return how many executions are under way in this process."""
    return len(_active)


def unconfigure() -> None:
    """Undo `configure`."""
    global _one_at_a_time, _this_greenlet
    _one_at_a_time, _this_greenlet = False, None
    patch.unwrap(threading.Thread, "start")
    patch.unwrap(ThreadPoolExecutor, "submit")


def _starting(start: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def start_carrying(thread: threading.Thread) -> None:
        attempt = _current.get()
        if attempt is not None:
            run = thread.run
            carried = _Carried(attempt, user_stack(sys._getframe(1)), run)

            def run_once() -> None:
                del thread.run  # ends the cycle of references
                carried()

            thread.run = run_once  # type: ignore[method-assign]
        start(thread)

    return start_carrying


def _submitting(submit: Callable[..., Future[Any]]) -> Callable[..., Future[Any]]:
    def submit_carrying(pool: ThreadPoolExecutor, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        attempt = current()
        if attempt is None:
            return submit(pool, fn, *args, **kwargs)
        carried = _Carried(attempt, user_stack(sys._getframe(1)), fn)
        # A thread that the pool starts just now will work for others later.
        token = _current.set(None)
        try:
            return submit(pool, carried, *args, **kwargs)
        finally:
            _current.reset(token)

    return submit_carrying


class _Carried:
    """A call that another thread makes on behalf of an execution."""

    __slots__ = ("_attempt", "_call", "_origin")

    def __init__(self, attempt: RunningAttempt, stack: Stack, call: Callable[..., Any]) -> None:
        self._attempt = attempt
        self._origin = stack
        self._call = call

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        attempt_token = _current.set(self._attempt)
        origin_token = origin.set(self._origin)
        try:
            return self._call(*args, **kwargs)
        finally:
            origin.reset(origin_token)
            _current.reset(attempt_token)
