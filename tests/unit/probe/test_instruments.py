"""What instruments tell where somebody stands in their way, and that they leave nothing behind."""

from __future__ import annotations

import builtins
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.backends.base import Backend

from pytest_celery_perf.probe import context, patch
from pytest_celery_perf.probe.attempt import RunningAttempt
from pytest_celery_perf.probe.faults import Faults
from pytest_celery_perf.probe.instruments import INSTRUMENTS, begin, thread
from pytest_celery_perf.probe.readings import Calls, Cpu, Memory, Payload

MIB = 1 << 20


def attempt() -> RunningAttempt:
    header = {"t": "token", "received": 1, "bytes": 123}
    faults: Any = Faults.__new__(Faults)
    return RunningAttempt("shop.charge", "id", 0, header, (), faults, None, True)


def measured(name: str, body: Callable[[], object], pool: str = "prefork") -> Any:
    """Run a body as a task's and return the row of an instrument; None if it tells nothing."""
    running = attempt()
    running.measurements = begin([name], running, pool, pytest.fail)
    scope = context.enter(running)
    running.begin_body()
    try:
        body()
    finally:
        running.end_body()
        context.leave(scope)
    rows = [reading.end() for _, reading in running.measurements]
    return None if not rows or rows[0] is None else next(iter(rows[0]), None)


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_nothing_is_left_behind(name: str) -> None:
    before = list(gc.callbacks), sys.getprofile()
    measured(name, lambda: None)
    assert before == (list(gc.callbacks), sys.getprofile())


def test_nobody_is_stuck_where_it_is_not_known_who_waited_for_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    hub = SimpleNamespace(add=lambda _: None, remove=lambda _: None)
    monkeypatch.setattr(context, "has_greenlets", lambda: True)
    monkeypatch.setattr(thread, "_hub", lambda: hub)
    assert measured("thread", lambda: None, "gevent").stuck_ns is not None
    monkeypatch.setattr(thread, "_schedstat", lambda: None)
    row = measured("thread", lambda: None, "gevent")
    assert (row.ready_ns, row.stuck_ns, row.where) == (None, None, None)


@pytest.mark.parametrize(
    ("running_ns", "ready_ns", "seen", "told"),
    [(0, 0, True, True), (10**7, 0, True, False), (0, 10**7, True, False), (0, 0, False, False)],
    ids=["waits", "computes", "waits for a core", "was seen before"],
)
def test_who_kept_the_thread_for_a_moment_was_where_it_was_seen(
    running_ns: int, ready_ns: int, seen: bool, told: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Clocks of its own: on a busy machine whoever waits for 10 ms may wait for a core as long.
    clocks = SimpleNamespace(monotonic_ns=lambda: 0, thread_time_ns=lambda: 0)
    monkeypatch.setattr(thread, "time", clocks)
    monkeypatch.setattr(thread, "_ready_ns", lambda: 0)
    reading = thread._Reading(attempt())
    reading.take()
    before_ns = reading.since_ns
    reading.take()
    place = ("shop.py", 7, "charge")
    reading.glimpse = (reading.since_ns if seen else before_ns, place)
    clocks.monotonic_ns, clocks.thread_time_ns = lambda: 10**7, lambda: running_ns
    monkeypatch.setattr(thread, "_ready_ns", lambda: ready_ns)
    reading.leave()
    assert (place if told else None) == reading.where


def test_of_another_version() -> None:
    assert begin(["weight"], attempt(), "prefork", pytest.fail) == []


@pytest.mark.parametrize("pool", ["threads", "gevent"])
def test_memory_of_a_shared_process(pool: str) -> None:
    assert begin(["memory"], attempt(), pool, pytest.fail) == []


@pytest.mark.skipif(sys.platform != "linux", reason="macOS keeps no peak that can be reset")
def test_a_peak_that_is_over() -> None:
    row: Memory = measured("memory", lambda: len(bytearray(50 * MIB)))
    assert row.peak_bytes == pytest.approx(row.before_bytes + 50 * MIB, abs=3 * MIB)
    assert row.after_bytes == pytest.approx(row.before_bytes, abs=3 * MIB)


def test_a_kernel_that_keeps_no_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    _closed(monkeypatch, "/proc/self/clear_refs")
    assert measured("memory", lambda: None).peak_bytes is None


def test_no_such_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    _closed(monkeypatch, "/proc/self/")
    assert measured("memory", lambda: None) is None


def test_cpu_time_of_threads_and_commands() -> None:
    def work() -> None:
        thread = threading.Thread(target=_burn, args=(20_000_000,))
        thread.start()
        thread.join()
        subprocess.run([sys.executable, "-S", "-c", "for _ in range(10**5): pass"], check=True)

    row: Cpu = measured("cpu", work)
    assert row.process_ns >= 20_000_000
    assert row.commands_ns > 0


def test_cpu_time_of_a_body_that_never_ran() -> None:
    running = attempt()
    (measurement,) = begin(["cpu"], running, "prefork", pytest.fail)
    assert measurement.reading.end() is None


def test_calls() -> None:
    def work() -> None:
        for _ in range(50):
            _called()

    row: Calls = measured("calls", work)
    called = {name: times for _, _, name, times in row.most}
    assert called == {"_called": 50, "work": 1}
    assert row.calls == 51


def test_what_the_collector_calls_does_not_count() -> None:
    class Cyclic:
        def __init__(self) -> None:
            self.me = self

        def __del__(self) -> None:
            _called()

    def work() -> None:
        Cyclic()
        gc.collect()

    def listening(*_: Any) -> None:
        _called()

    gc.callbacks.append(listening)
    try:
        names = [name for _, _, name, _ in measured("calls", work).most]
    finally:
        gc.callbacks.remove(listening)
    assert sorted(names) == ["__init__", "work"]


def test_a_task_that_profiles_itself() -> None:
    def work() -> None:
        with _profile():
            _called()

    assert measured("calls", work) is None


def test_somebody_else_who_profiles() -> None:
    with _profile():
        assert measured("calls", _called) is None


@contextmanager
def _profile() -> Iterator[None]:
    """Profile as Python 3.11's cProfile does; a later one disturbs nobody."""
    sys.setprofile(lambda *_: None)
    try:
        yield
    finally:
        sys.setprofile(None)


def test_a_stored_result() -> None:
    row = _stored("cache+memory://")
    assert row.message_bytes == 123
    assert 1_000 < (row.result_bytes or 0) < 1_500


class Opaque(Backend):
    """Serialises by itself."""

    def _store_result(self, task_id: str, result: Any, *_: Any, **__: Any) -> None:
        """Store it in a way of its own."""


@pytest.mark.parametrize(
    ("backend", "result_bytes"), [("rpc://", None), (f"{__name__}:Opaque", None), ("disabled://", 0)]
)
def test_a_backend_that_serialises_by_itself_or_stores_nothing(backend: str, result_bytes: int | None) -> None:
    assert _stored(backend).result_bytes == result_bytes


def _stored(backend: str) -> Payload:
    """Store a result of 1,000 characters."""
    app = Celery("shop", broker="memory://", backend=backend)
    request = SimpleNamespace(reply_to="", correlation_id="", id="id")
    row: Payload = measured("payload", lambda: app.backend.store_result("id", "x" * 1000, "SUCCESS", request=request))
    for owner in (*type(app.backend).__mro__, Backend):
        patch.unwrap(owner, "_store_result")
        patch.unwrap(owner, "_encode")
    return row


def _closed(monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    """Let the files below a path not be opened."""
    opened = builtins.open

    def closed(file: Any, *args: Any, **kwargs: Any) -> Any:
        if str(file).startswith(path):
            raise PermissionError(file)
        return opened(file, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", closed)


def _burn(cpu_ns: int) -> None:
    end_ns = time.thread_time_ns() + cpu_ns
    while time.thread_time_ns() < end_ns:
        pass


def _called() -> None:
    pass
