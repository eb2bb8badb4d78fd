"""Where in the user's code a call came from, at a cost that a task does not feel.

Only the user's own frames are of interest: not the standard library's, not those of
installed packages, not this package's. Each file name is classified once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextvars import ContextVar
from types import CodeType, FrameType
from typing import Any, NamedTuple

from pytest_celery_perf.probe import patch

Stack = tuple[tuple[str, int, str], ...]
"""Frames, innermost first: path, line, function."""

DEPTH = 8
"""How many of the innermost user frames tell one call site from another."""

_MOST_PATHS = 2000

_HIDDEN, _LIBRARY, _USER, _BRIDGE, _EDGE = range(5)

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep
_STANDARD = os.path.dirname(os.__file__) + os.sep
_FRAMEWORKS = frozenset(
    (
        "asgiref",
        "billiard",
        "celery",
        "django",
        "gevent",
        "greenlet",
        "kombu",
        "psycopg",
        "psycopg2",
        "psycopg_pool",
        "sqlalchemy",
    )
)
_INLINED = frozenset(("<listcomp>", "<dictcomp>", "<setcomp>"))
"""Frames of their own before Python 3.12 only."""

origin: ContextVar[Stack] = ContextVar("celery_perf_origin", default=())
"""The user frames that asked another thread to do what this one does."""


class _Path(NamedTuple):
    """A way through the call stack from a task to a query."""

    steps: tuple[tuple[int, CodeType, int], ...]
    """Depth, code and instruction of each user frame, and of the frame that calls the task."""
    stack: Stack


_paths: dict[str, _Path] = {}
"""The way that each statement took last."""


def user_stack(frame: FrameType | None) -> Stack:
    """Return the innermost user frames from a frame outwards, at most `DEPTH`.

    The walk ends where Celery calls the task. Where work was handed over from another
    thread or from a coroutine, the frames which did that follow. If the user's code is
    nowhere to be seen, the application itself is an installed package: then frames of
    packages are given, those of the frameworks excepted.

    Args:
        frame: The innermost frame to look at.
    """
    return _walk(frame).stack


def innermost(frame: FrameType | None) -> tuple[str, int, str] | None:
    """Return the innermost user frame from a frame outwards; None if there is none."""
    return next(iter(user_stack(frame)), None)


def stack_of(statement: str) -> Stack:
    """Return the user frames from here outwards, like `user_stack`, but most often for less.

    The interpreter makes an object of every frame that is looked at, which costs more than
    all the rest. So the few that mattered the last time are looked at first: if the same
    instructions of the same functions are at the same depths, the stack is the same.

    Args:
        statement: What is about to be done: it mostly comes the same way.
    """
    path = _paths.get(statement)
    if path is not None:
        try:
            for depth, code, instruction in path.steps:
                frame = sys._getframe(depth)
                if frame.f_code is not code or frame.f_lasti != instruction:
                    break
            else:
                return path.stack
        except ValueError:  # the call stack is not that deep
            pass
    path = _walk(sys._getframe(0))
    if path.steps:
        if len(_paths) >= _MOST_PATHS:
            _paths.clear()
        _paths[statement] = path
    return path.stack


def _walk(frame: FrameType | None) -> _Path:
    """Find the user frames, and where they are if a look there would tell the same the next time."""
    found: list[tuple[str, int, str]] = []
    steps: list[tuple[int, CodeType, int]] = []
    libraries: list[FrameType] = []
    handed_over, bridged, reached_task, depth = origin.get(), False, False, 0
    while frame is not None and len(found) < DEPTH:
        kind = _kinds[frame.f_code.co_filename]
        if kind == _USER:
            steps.append((depth, frame.f_code, frame.f_lasti))
            site = _describe(frame)
            # A hand-over may already have told the line.
            if site[2] not in _INLINED and (not found or found[-1] != site):
                found.append(site)
        elif kind == _EDGE:
            # All the way to the task. What the context says besides is old: asgiref copies the
            # context of a coroutine back to the thread that waited for it.
            steps.append((depth, frame.f_code, frame.f_lasti))
            handed_over, reached_task = (), True
            break
        elif kind == _LIBRARY:
            libraries.append(frame)
        elif kind == _BRIDGE and frame.f_code.co_name == "thread_handler":
            found.extend(handed_over)
            handed_over, bridged = (), True
        frame = frame.f_back
        depth += 1
    repeatable = bool(found) and reached_task and not bridged
    found.extend(handed_over)
    stack = tuple(found[:DEPTH] or map(_describe, libraries[:DEPTH]))
    return _Path(steps=tuple(steps) if repeatable else (), stack=stack)


def is_user_file(name: str) -> bool:
    """Tell whether a code object's file name is one of the user's own files."""
    return _kinds[name] == _USER


def asked_by(frame: FrameType | None, is_theirs: Callable[[str], bool]) -> bool:
    """Tell whether certain code asked for what is about to be done, rather than the user's own or a task as such.

    Args:
        frame: The innermost frame to look at.
        is_theirs: Tells that code by its file.
    """
    while frame is not None:
        name = frame.f_code.co_filename
        if _kinds[name] in (_USER, _EDGE):
            return False
        if is_theirs(name):
            return True
        frame = frame.f_back
    return False


def _describe(frame: FrameType) -> tuple[str, int, str]:
    code = frame.f_code
    # A function inside a function is known by its own name.
    return code.co_filename, frame.f_lineno or code.co_firstlineno, code.co_qualname.rpartition("<locals>.")[2]


def _kind_of(name: str) -> int:
    if name.startswith(("<", _OWN)):
        return _HIDDEN
    if installed := installed_path(name):
        return _kind_of_installed(installed)
    return _HIDDEN if name.startswith(_STANDARD) else _USER


def installed_path(name: str) -> list[str]:
    """Return the parts of a file's path inside the folder of installed packages; none if it is not there."""
    parts = name.replace("\\", "/").split("/")
    for packages in ("site-packages", "dist-packages"):
        if packages in parts:
            return parts[parts.index(packages) + 1 :]
    return []


def _kind_of_installed(path: list[str]) -> int:
    if path == ["asgiref", "sync.py"]:
        return _BRIDGE
    if path == ["celery", "app", "trace.py"]:
        return _EDGE
    return _HIDDEN if path[0] in _FRAMEWORKS else _LIBRARY


class _Kinds(dict[str, int]):
    """What kind of file each one is."""

    def __missing__(self, name: str) -> int:
        kind = self[name] = _kind_of(name)
        return kind


_kinds = _Kinds()


def follow_coroutines() -> None:
    """Remember which line of a coroutine awaits what ``sync_to_async`` runs in a thread.

    All of Django's asynchronous ORM passes through there, and the thread's own frames know
    nothing of the coroutine.

    Source:
        ``asgiref.sync.SyncToAsync.__call__``; it copies the context into the thread.
    """
    if "asgiref.sync" in sys.modules:
        patch.wrap(sys.modules["asgiref.sync"].SyncToAsync, "__call__", _remembering)


def unfollow_coroutines() -> None:
    """Undo `follow_coroutines`."""
    if "asgiref.sync" in sys.modules:
        patch.unwrap(sys.modules["asgiref.sync"].SyncToAsync, "__call__")


def beside_coroutine(do: Callable[..., None], *args: Any) -> None:
    """Do something that knows which line awaits this greenlet, if SQLAlchemy has made it for a coroutine.

    The greenlet's own frames know nothing of the coroutine.

    Source:
        ``sqlalchemy.util.concurrency.greenlet_spawn``: the coroutine runs in the parent of the greenlet.
    """
    greenlet: Any = sys.modules["greenlet"].getcurrent() if "greenlet" in sys.modules else None
    frame = greenlet.parent.gr_frame if getattr(greenlet, "__sqlalchemy_greenlet_provider__", False) else None
    if frame is None:
        do(*args)
        return
    token = origin.set(user_stack(frame) or origin.get())
    try:
        do(*args)
    finally:
        origin.reset(token)


def _remembering(hand_over: Callable[..., Any]) -> Callable[..., Any]:
    async def remember(*args: Any, **kwargs: Any) -> Any:
        token = origin.set(user_stack(sys._getframe(1)) or origin.get())
        try:
            return await hand_over(*args, **kwargs)
        finally:
            origin.reset(token)

    return remember
