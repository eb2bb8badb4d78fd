"""Finds what an execution asks of Django's caches: its writes are touch points, and an instrument counts all of it.

The wrappers come into a process with the first message that asks for one of them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import context, django_glue, patch
from pytest_celery_perf.probe.touch import stable

if TYPE_CHECKING:
    from pytest_celery_perf.probe.instruments.cache import CacheReading

WRITES = (
    *("add", "set", "touch", "delete", "incr", "decr", "set_many", "delete_many", "clear"),
    *("delete_pattern", "expire", "expire_at", "pexpire", "pexpire_at", "persist"),
)
"""What changes a cache: of Django's own interface, and what django-redis adds to it."""
READS = ("get", "get_many", "has_key")

_TELL_A_MISS = ("django", "django_redis")
"""The packages whose ``get`` hands back any default that it is given, unlooked at."""
_MISSING = object()

_wrappers = patch.Wrappers()
_inside: ContextVar[bool] = ContextVar("celery_perf_inside_cache", default=False)
"""Whether a call is under way that has been noted: what it is made of is none of its own."""
_question: ContextVar[_Question | None] = ContextVar("celery_perf_question", default=None)
"""Inside ``get_or_set``: what it asks for, again after it has written."""


def install() -> bool:
    """See every use of the configured caches in this process from now on. May be called again; survives a fork.

    Returns:
        Whether this process has Django's caches.
    """
    with patch.replacing:
        if _wrappers:
            return True
        if "django" not in sys.modules or not django_glue.is_configured():
            return False
        from django.core.cache.backends.base import BaseCache

        for owner, name in _methods():
            _wrappers.wrap(owner, name, _noting(name, owner.__module__.partition(".")[0] in _TELL_A_MISS))
        _wrappers.wrap(BaseCache, "get_or_set", _asking_twice)
        return True


def uninstall() -> None:
    """Undo `install`."""
    _wrappers.unwrap()


def apart(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Call something that has been noted: what it is made of is left aside.

    No ``contextmanager``, whose Python functions `celery_cpu(calls=)` would count as the task's.
    """
    token = _inside.set(True)
    try:
        return call(*args, **kwargs)
    finally:
        _inside.reset(token)


def alias_of(cache: Any) -> str:
    """Return the alias of a cache, which does not know it itself; of one that is not the calling code's, its class."""
    from django.core.cache import caches

    mine = vars(caches)["_connections"]
    return next((alias for alias in caches.settings if getattr(mine, alias, None) is cache), type(cache).__name__)


def _methods() -> Iterator[tuple[type, str]]:
    """Yield what asks the configured caches, except what Django makes of several such calls."""
    from django.core.cache import caches
    from django.core.cache.backends.base import BaseCache
    from django.utils.module_loading import import_string

    backends = []
    for path in {configured["BACKEND"] for configured in caches.settings.values()}:
        with suppress(Exception):  # of a cache that nobody can use: Django imports it with the first use
            backends.append(import_string(path))
    for backend in backends:
        for name in (*READS, *WRITES):
            owner = next((each for each in backend.__mro__ if name in each.__dict__), BaseCache)
            if owner is not BaseCache:
                yield owner, name


def _noting(name: str, tells_a_miss: bool) -> Callable[[Any], Any]:
    counted = _COUNTED.get(name)

    def wrapping(call: Callable[..., Any]) -> Callable[..., Any]:
        def call_noted(cache: Any, *args: Any, **kwargs: Any) -> Any:
            attempt = None if _inside.get() else context.current()
            if attempt is None:
                return call(cache, *args, **kwargs)
            if attempt.touches is not None and name in WRITES:
                label = _keys(next(iter((*args, *kwargs.values())), ""))
                attempt.touches.reach("cache", f"{_alias_told(cache)}{name} {label}".rstrip())
            reading: CacheReading | None = attempt.reading("cache")
            if reading is None or counted is None:
                return apart(call, cache, *args, **kwargs)
            return apart(counted, _Call(reading, call, cache, tells_a_miss), *args, **kwargs)

        return call_noted

    return wrapping


def _alias_told(cache: Any) -> str:
    """Return what a point's label begins with, as that of a query does."""
    from django.core.cache import caches

    alias = alias_of(cache)
    return f"{alias}: " if alias in caches.settings and alias != "default" else ""


def _keys(keys: object) -> str:
    if isinstance(keys, (dict, list, tuple, set, frozenset)):
        return ", ".join(sorted({stable(str(key)) for key in keys}))
    # An iterator would be used up by looking at it.
    return stable(str(keys)) if isinstance(keys, (str, int)) else type(keys).__name__


def _asking_twice(get_or_set: Callable[..., Any]) -> Callable[..., Any]:
    """Count what ``get_or_set`` asks for once.

    Source:
        ``django.core.cache.backends.base.BaseCache.get_or_set``: get, add, and get again.
    """

    def get_or_set_noted(cache: Any, key: Any, *args: Any, **kwargs: Any) -> Any:
        token = _question.set(_Question(key))
        try:
            return get_or_set(cache, key, *args, **kwargs)
        finally:
            _question.reset(token)

    return get_or_set_noted


class _Question:
    """A key that is asked for, and may be asked for again."""

    def __init__(self, key: Any) -> None:
        self._key = key
        self._asked = False

    def repeats(self, key: Any) -> bool:
        """Ask for a key; tell whether that was done before."""
        if key != self._key:
            return False
        asked, self._asked = self._asked, True
        return asked


class _Call:
    """A call of a cache's method that is counted."""

    def __init__(self, reading: CacheReading, call: Callable[..., Any], cache: Any, tells_a_miss: bool) -> None:
        self._reading = reading
        self._call = call
        self._cache = cache
        self.tells_a_miss = tells_a_miss

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(self._cache, *args, **kwargs)

    def looked_up(self, key: Any, hit: bool) -> None:
        question = _question.get()
        if question is None or not question.repeats(key):
            self._note("hit" if hit else "miss", key)

    def wrote(self, event: str, key: Any, timeout: Any) -> None:
        from django.core.cache.backends.base import DEFAULT_TIMEOUT

        chosen = self._cache.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        self._note(event, key, lasting=chosen is None)

    def deleted(self, key: Any) -> None:
        self._note("delete", key)

    def _note(self, event: str, key: Any, *, lasting: bool = False) -> None:
        self._reading.note(alias_of(self._cache), event, stable(str(key)), lasting)


def _get(call: _Call, key: Any, default: Any = None, *args: Any, **kwargs: Any) -> Any:
    fallback = _MISSING if call.tells_a_miss else default
    found = call(key, fallback, *args, **kwargs)
    call.looked_up(key, found is not fallback)
    return default if found is _MISSING else found


def _get_many(call: _Call, keys: Any, *args: Any, **kwargs: Any) -> Any:
    asked = list(keys)
    found = call(asked, *args, **kwargs)
    for key in dict.fromkeys(asked):
        call.looked_up(key, key in found)
    return found


def _has_key(call: _Call, key: Any, *args: Any, **kwargs: Any) -> Any:
    found = call(key, *args, **kwargs)
    call.looked_up(key, bool(found))
    return found


def _set(call: _Call, key: Any, value: Any, *args: Any, **kwargs: Any) -> Any:
    done = call(key, value, *args, **kwargs)
    if done is not False:  # `add`, or django-redis's `nx=True`, found the key there
        call.wrote("set", key, _timeout(args, kwargs))
    return done


def _set_many(call: _Call, data: Any, *args: Any, **kwargs: Any) -> Any:
    refused = call(data, *args, **kwargs)
    for key in data:
        if key not in (refused or ()):
            call.wrote("set", key, _timeout(args, kwargs))
    return refused


def _touch(call: _Call, key: Any, *args: Any, **kwargs: Any) -> Any:
    found = call(key, *args, **kwargs)
    if found:
        call.wrote("touch", key, _timeout(args, kwargs))
    return found


def _persist(call: _Call, key: Any, *args: Any, **kwargs: Any) -> Any:
    found = call(key, *args, **kwargs)
    if found:
        call.wrote("touch", key, None)
    return found


def _delete(call: _Call, key: Any, *args: Any, **kwargs: Any) -> Any:
    call.deleted(key)
    return call(key, *args, **kwargs)


def _delete_many(call: _Call, keys: Any, *args: Any, **kwargs: Any) -> Any:
    given = list(keys)
    for key in given:
        call.deleted(key)
    return call(given, *args, **kwargs)


def _timeout(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    from django.core.cache.backends.base import DEFAULT_TIMEOUT

    return kwargs.get("timeout", args[0] if args else DEFAULT_TIMEOUT)


_COUNTED: dict[str, Callable[..., Any]] = {
    "get": _get,
    "get_many": _get_many,
    "has_key": _has_key,
    "add": _set,
    "set": _set,
    "set_many": _set_many,
    "touch": _touch,
    "persist": _persist,
    "delete": _delete,
    "delete_many": _delete_many,
}
"""How a method is counted; the others neither ask for a key nor give one a new life."""
