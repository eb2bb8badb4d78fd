"""Caches: each use is noted once, as what it is to the user, and counted truly."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from django.core.cache.backends.locmem import LocMemCache

from pytest_celery_perf.probe import caches, context, django_glue
from pytest_celery_perf.probe.instruments.cache import MOST_KEYS, CacheReading
from tests.unit.probe.attempts import Attempt, Touches

if TYPE_CHECKING:
    from django.core.cache.backends.base import BaseCache


def careful_get(cache: Any, key: Any, default: Any = None, version: int | None = None) -> Any:
    """Look at the default, unlike Django."""
    found = LocMemCache.get(cache, key, default, version)
    return found if isinstance(found, int) else default


Careful = type("Careful", (LocMemCache,), {"get": careful_get})


@pytest.fixture(params=[LocMemCache, Careful])
def cache(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[BaseCache]:
    """A cache that is configured, and whose uses are seen."""
    backend = f"{request.param.__module__}.{request.param.__qualname__}"
    cache: BaseCache = request.param("unit", {"TIMEOUT": 60})
    monkeypatch.setattr(django_glue, "is_configured", lambda: True)
    monkeypatch.setattr("django.core.cache.caches._settings", {"default": {"BACKEND": backend}}, raising=False)
    monkeypatch.setattr("django.core.cache.caches.settings", {"default": {"BACKEND": backend}}, raising=False)
    monkeypatch.setattr("django.utils.module_loading.import_string", lambda _: request.param)
    monkeypatch.setattr(caches, "alias_of", lambda _: "default")
    context.configure("prefork")
    assert caches.install()
    yield cache
    caches.uninstall()
    context.unconfigure()
    cache.clear()


@pytest.fixture
def attempt() -> Iterator[Any]:
    attempt: Any = Attempt(Touches(), cache=CacheReading(seen=True))
    scope = context.enter(attempt)
    yield attempt
    context.leave(scope)


def counted(attempt: Any) -> dict[str, int]:
    """Return how often each event happened."""
    counts: dict[str, int] = {}
    for row in attempt.reading("cache").end():
        counts[row.event] = counts.get(row.event, 0) + row.times
    return counts


def test_two_of_five_are_missed(cache: BaseCache, attempt: Any) -> None:
    cache.set_many({"a": 1, "b": 2, "c": 3})
    assert cache.get_many(["a", "b", "x"]) == {"a": 1, "b": 2}
    assert (cache.get("c"), cache.get("y", 7)) == (3, 7)
    assert counted(attempt) == {"set": 3, "hit": 3, "miss": 2}


def test_what_equals_the_default_was_found_unless_the_cache_looks_at_it(cache: BaseCache, attempt: Any) -> None:
    cache.set("none", 0)
    assert cache.get("none", 0) == 0
    assert counted(attempt) == {"set": 1, "miss" if type(cache) is Careful else "hit": 1}


def test_get_or_set_asks_once(cache: BaseCache, attempt: Any) -> None:
    assert cache.get_or_set("a", lambda: 1, 60) == 1
    assert counted(attempt) == {"miss": 1, "set": 1}
    assert cache.get_or_set("a", lambda: 2, 60) == 1
    assert counted(attempt) == {"miss": 1, "set": 1, "hit": 1}


def test_what_get_or_set_computes_may_use_the_cache(cache: BaseCache, attempt: Any) -> None:
    cache.set("base", 20)
    assert cache.get_or_set("sum", lambda: cache.get("base") + cache.get("base")) == 40
    assert counted(attempt) == {"set": 2, "miss": 1, "hit": 2}


def test_an_addition_that_came_too_late_wrote_nothing(cache: BaseCache, attempt: Any) -> None:
    assert [cache.add("a", 1), cache.add("a", 2)] == [True, False]
    assert counted(attempt) == {"set": 1}


def test_deletes(cache: BaseCache, attempt: Any) -> None:
    cache.delete("a")
    cache.delete_many(key for key in ("b", "c"))
    assert counted(attempt) == {"delete": 3}


def test_a_key_that_is_looked_for_is_asked_for(cache: BaseCache, attempt: Any) -> None:
    assert "a" not in cache
    cache.set("a", 1)
    assert cache.has_key("a")
    assert counted(attempt) == {"miss": 1, "set": 1, "hit": 1}


def test_keys_without_a_ttl(cache: BaseCache, attempt: Any) -> None:
    cache.set("order:17", 1)
    cache.set("order:18", 1, timeout=None)
    cache.set("order:19", 1, None)
    cache.set_many({"user:1": 1, "user:2": 2}, timeout=None)
    cache.touch("order:17", None)
    cache.touch("nowhere", None)
    lasting = [(row.event, row.key, row.times) for row in attempt.reading("cache").end() if row.lasting]
    assert lasting == [("set", "order:#", 1), ("set", "order:#", 1), ("set", "user:#", 2), ("touch", "order:#", 1)]


def test_a_write_is_a_touch_point_by_its_key(cache: BaseCache, attempt: Any) -> None:
    cache.set("order:17", 1)
    cache.set(key="order:18", value=1)
    cache.get("order:17")
    assert attempt.touches.points == [("cache", "set order:#")] * 2


def test_what_a_write_is_made_of_is_no_write_of_its_own(attempt: Any) -> None:
    class Cache:
        def set(self, key: str, value: object) -> None:
            """Write."""

        def set_many(self, data: dict[str, object]) -> None:
            for key, value in data.items():
                self.set(key, value)

    context.configure("prefork")
    for name in ("set", "set_many"):
        setattr(Cache, name, caches._noting(name, tells_a_miss=False)(getattr(Cache, name)))
    attempt._readings.clear()
    Cache().set_many({"b:2": 1, "a:1": 1, "a:2": 1})
    Cache().set("after", 1)
    context.unconfigure()
    assert attempt.touches.points == [("cache", "set_many a:#, b:#"), ("cache", "set after")]


def test_an_iterator_of_keys_is_not_used_up() -> None:
    keys = iter(["a", "b"])
    assert caches._keys(keys) == "list_iterator"
    assert list(keys) == ["a", "b"]


def test_who_asks_for_nothing_is_left_alone(cache: BaseCache) -> None:
    attempt: Any = Attempt()
    scope = context.enter(attempt)
    assert cache.get_or_set("a", 1) == 1
    context.leave(scope)


def test_many_keys_are_counted_but_not_told_apart(cache: BaseCache, attempt: Any) -> None:
    words = ["".join(letters) for letters in itertools.product("ghijklmn", repeat=4)]
    for word in words:
        cache.get(word)
    cache.set_many(dict.fromkeys(words, 1), None)
    rows = attempt.reading("cache").end()
    assert len(rows) == MOST_KEYS + 2
    assert counted(attempt) == {"miss": len(words), "set": len(words)}
    assert sum(row.times for row in rows if row.lasting) == len(words)


def test_everything_is_put_back(cache: BaseCache) -> None:
    caches.uninstall()
    assert not [name for name in (*caches.READS, *caches.WRITES) if hasattr(getattr(cache, name, None), "__wrapped__")]


def test_a_cache_that_nobody_can_use_does_not_hide_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    backends = ["nowhere.to.be.Found", "django.core.cache.backends.locmem.LocMemCache"]
    settings = {backend: {"BACKEND": backend} for backend in backends}
    monkeypatch.setattr("django.core.cache.caches.settings", settings, raising=False)
    assert {owner for owner, _ in caches._methods()} == {LocMemCache}


def test_a_thread_that_asks_for_it_goes_on_once_all_is_seen(cache: BaseCache, monkeypatch: pytest.MonkeyPatch) -> None:
    caches.uninstall()
    methods = caches._methods
    told: list[str] = []
    begun, went_on = threading.Event(), threading.Event()

    def slowly() -> Iterator[tuple[type, str]]:
        owned = methods()
        yield next(owned)
        begun.set()
        went_on.wait(0.5)  # as long as the other thread may take that does not wait
        yield from owned
        told.append("all is seen")

    def ask() -> None:
        assert caches.install()
        told.append("went on")
        went_on.set()

    monkeypatch.setattr(caches, "_methods", slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask)
        assert begun.wait(60.0)
        second = pool.submit(ask)
        for each in (first, second):
            each.result(60.0)
    assert told == ["all is seen", "went on", "went on"]
