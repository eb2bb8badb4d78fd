"""The instruments of logs and requests, and what the user counts."""

from __future__ import annotations

import http.client
import itertools
import json
import logging
import math
import threading
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from pytest_celery_perf import count
from pytest_celery_perf.probe import context, patch
from pytest_celery_perf.probe.instruments import logs, requests
from tests.unit.probe.attempts import Attempt

LOGGER = logging.getLogger("tests.uses")


@pytest.fixture
def attempt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """An execution whose logs and requests are counted."""
    context.configure("prefork")
    attempt: Any = Attempt()
    attempt._readings = {"logs": logs.begin(attempt), "requests": requests.begin(attempt)}
    scope = context.enter(attempt)
    yield attempt
    context.leave(scope)
    patch.unwrap(logging.Logger, "callHandlers")
    patch.unwrap(http.client.HTTPConnection, "putrequest")
    patch.unwrap(http.client.HTTPConnection, "getresponse")
    context.unconfigure()


class Handler(BaseHTTPRequestHandler):
    """Closes the connection instead of answering where it is asked to."""

    def do_GET(self) -> None:
        if self.path != "/hang-up":
            self.send_response(204)
            self.end_headers()


@pytest.fixture
def port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def logged(attempt: Any) -> list[tuple[int, str, int]]:
    return [(row.level, row.text, row.times) for row in attempt.reading("logs").end()]


def test_records_are_counted_by_level_and_template(attempt: Any) -> None:
    for number in range(3):
        LOGGER.warning("order %d", number)
        LOGGER.error(f"order {number}")  # noqa: G004 - what users write
    LOGGER.warning("another line says: order %d", 1)
    assert logged(attempt) == [
        (30, "order %d", 3),
        (40, "order #", 3),
        (30, "another line says: order %d", 1),
    ]


def test_what_no_handler_would_get_is_not_counted(attempt: Any) -> None:
    LOGGER.debug("too quiet")
    assert logged(attempt) == []


@pytest.mark.parametrize(
    ("logger", "counts"),
    [
        ("celery.app.trace", False),
        ("kombu.connection", False),
        ("celery.redirected", True),
        ("celery.task", True),
        ("celerity", True),
    ],
)
def test_what_celery_says_is_not_the_tasks(attempt: Any, logger: str, counts: bool) -> None:
    logging.getLogger(logger).error("said")
    assert bool(logged(attempt)) is counts


def test_thousands_of_texts_are_counted_and_few_kept(attempt: Any) -> None:
    for number in range(logs.MOST_TEXTS + 7):
        LOGGER.warning("".join(chr(ord("a") + int(digit)) for digit in str(number)))
    told = logged(attempt)
    assert sum(times for *_, times in told) == logs.MOST_TEXTS + 7
    assert told[-1] == (30, "… one of more than 500 different texts", 7)


def test_an_exception_as_text(attempt: Any) -> None:
    LOGGER.error(ValueError("no order 17"))
    assert logged(attempt) == [(40, "no order #", 1)]


def test_an_object_that_cannot_be_printed(attempt: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> str:
        raise ValueError

    monkeypatch.setattr(logging, "raiseExceptions", False)
    LOGGER.propagate = False
    LOGGER.error(type("Unprintable", (), {"__str__": fail})())
    LOGGER.propagate = True
    assert logged(attempt) == [(40, "an unprintable Unprintable", 1)]


def asked(attempt: Any) -> list[tuple[str, str, int | None, int]]:
    return [(row.method, row.path, row.status, row.times) for row in attempt.reading("requests").end()]


def test_a_request_has_its_status(attempt: Any, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/orders/17?all=1")
    connection.getresponse().read()
    connection.close()
    assert asked(attempt) == [("GET", "/orders/#", 204, 1)]


def test_a_request_without_an_answer_counts(attempt: Any, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "/hang-up")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()
    connection.close()
    assert asked(attempt) == [("GET", "/hang-up", None, 1)]


def test_many_paths_are_counted_but_not_told_apart() -> None:
    reading = requests.RequestsReading()
    words = ["".join(letters) for letters in itertools.product("ghijklmn", repeat=4)]
    asked = [("api.example", 443, "GET", f"/{word}", None) for word in words]
    for each in asked:
        reading.ask(each)
        reading.answer(each, 200)
    reading.ask(asked[-1])
    rows = reading.end()
    assert len(rows) <= requests.MOST_PATHS + 2
    assert (sum(row.times for row in rows), {row.host for row in rows}) == (len(words) + 1, {"api.example"})
    assert [row.times for row in rows if row.status is None] == [1]


def test_a_request_by_a_proxy_is_for_the_host_behind_it(attempt: Any, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", "http://api.example/orders")
    connection.getresponse().read()
    connection.close()
    (row,) = attempt.reading("requests").end()
    assert (row.host, row.port, row.path) == ("api.example", 80, "/orders")


@pytest.mark.parametrize("url", ["//orders", "/orders://17", "http://api:99999/orders"])
def test_what_is_no_url_is_the_clients_business(attempt: Any, port: int, url: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", url)
    connection.getresponse().read()
    connection.close()
    (row,) = attempt.reading("requests").end()
    assert (row.status, row.times) == (204, 1)


def test_counters(attempt: Any) -> None:
    count("rows")
    count("rows", 4)
    count("euros", 0.5)
    assert {name: counter.amount for name, counter in attempt.counters.items()} == {"rows": 5, "euros": 0.5}


def test_numbers_of_other_types_are_counted(attempt: Any) -> None:
    count("euros", Decimal("1.50"))
    count("euros", Fraction(1, 4))
    assert attempt.counters["euros"].amount == 1.75
    assert json.dumps(attempt.counters["euros"].amount) == "1.75"


@pytest.mark.parametrize("amount", ["3", None, math.nan, Decimal("sNaN"), Fraction(10**400)])
def test_what_is_no_number_does_not_fail_the_task(attempt: Any, amount: Any) -> None:
    count("rows", 2)
    count("rows", amount)
    wrong = repr(amount) if isinstance(amount, float) else type(amount).__name__
    assert (attempt.counters["rows"].amount, attempt.counters["rows"].wrong) == (2, wrong)


def test_outside_of_a_task_nothing_is_counted() -> None:
    count("rows")
    assert context.current() is None
