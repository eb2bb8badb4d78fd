"""Sweeps without Django; each test is expected by name in test_sweep.py."""

from __future__ import annotations

import socket

import pytest
from office import reach, safe, unsafe


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.celery_worker(concurrency=2)
@pytest.mark.celery_crash_sweep(task=safe)
def test_child():
    safe.delay()


@pytest.mark.celery_worker(pool="solo")
@pytest.mark.celery_crash_sweep(task=safe, kill="worker")
def test_solo():
    safe.delay()


@pytest.mark.celery_worker(pool="threads", concurrency=2)
@pytest.mark.celery_crash_sweep(task=safe, kill="worker")
def test_threads():
    safe.delay()


@pytest.mark.celery_fault_sweep(
    task=reach, errors={"connect": TimeoutError("too late")}, points=["connect"], outbound=1
)
def test_another_error(port):
    reach.delay(port)


@pytest.mark.celery_crash_sweep(task=unsafe, kill="worker")
def test_unsafe():
    unsafe.delay()
