"""Tests that test_locks.py locks; then it changes what their tasks, which it writes too, do."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from library.models import Author, Book
from library.tasks import haphazard, note, remember, stubborn, work

from pytest_celery_perf import CeleryPerf

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.celery_worker(concurrency=1)]


@pytest.fixture(autouse=True)
def _books(transactional_db: None) -> None:
    for number in range(3):
        Book.objects.create(title=str(number), author=Author.objects.create(name=str(number)))


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.celery_queries(max=9)
def test_work(port: int) -> None:
    work.delay(port)


@pytest.mark.celery_cpu(calls=1_000_000)
def test_caches_of_a_process() -> None:
    remember.delay()


@pytest.mark.parametrize("names", ["é"])
def test_sets(celery_perf: CeleryPerf, names: str) -> None:
    haphazard.delay()


@pytest.mark.celery_retries(task=stubborn, final="succeeded")
def test_retries() -> None:
    stubborn.delay()


def test_fails(celery_perf: CeleryPerf) -> None:
    note.delay(1)
    raise AssertionError("of its own")


def test_not_ours() -> None:
    pass
