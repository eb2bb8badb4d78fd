"""Connections: each is noted once, by the name that was looked up, unless the infrastructure makes it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import pytest

from pytest_celery_perf.probe import callsite, connections, context
from pytest_celery_perf.probe.instruments.outbound import OutboundReading
from tests.unit.probe.attempts import Attempt, Touches


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    context.configure("prefork")
    connections.install()
    yield
    connections.uninstall()
    context.unconfigure()


@pytest.fixture
def attempt() -> Iterator[Any]:
    attempt: Any = Attempt(Touches(), outbound=OutboundReading())
    scope = context.enter(attempt)
    yield attempt
    context.leave(scope)


@pytest.fixture
def touches(attempt: Any) -> Touches:
    touches: Touches = attempt.touches
    return touches


@pytest.fixture
def server() -> Iterator[int]:
    with socket.create_server(("localhost", 0)) as server:
        yield server.getsockname()[1]


def test_a_connection_is_known_by_the_name_that_was_looked_up(touches: Touches, server: int) -> None:
    socket.create_connection(("localhost", server)).close()
    assert set(touches.points) == {("connect", "localhost:*")}


def test_a_refused_connection_is_a_point_too(touches: Touches, server: int) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with socket.socket() as client:
            assert client.connect_ex(("127.0.0.1", taken.getsockname()[1]))
    assert touches.points == [("connect", "127.0.0.1:*")]


def test_datagrams_connect_to_nobody(touches: Touches) -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", 9))
    assert touches.points == []


def test_what_wants_no_points_is_left_alone(server: int) -> None:
    attempt: Any = Attempt()
    scope = context.enter(attempt)
    socket.create_connection(("localhost", server)).close()
    context.leave(scope)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (("10.0.0.7", 443), "pay.example:443"),
        (("10.0.0.8", 443), "10.0.0.8:443"),
        (("10.0.0.7", 50051, 0, 0), "pay.example:50051"),
        (("::1", 40000, 0, 0), "::1:*"),
        (b"/run/app.12345.sock", "/run/app.#.sock"),
        (("nowhere",), "('nowhere',)"),
    ],
)
def test_peers(address: object, expected: str) -> None:
    attempt: Any = Attempt()
    attempt.hosts = {"10.0.0.7": "pay.example"}
    assert connections._label(*connections._peer(address, attempt)) == expected


@pytest.mark.parametrize(
    ("package", "infrastructure"),
    [
        ("kombu/transport/redis.py", True),
        ("celery/backends/redis.py", True),
        ("django/db/backends/mysql/base.py", True),
        ("django/core/cache/backends/redis.py", True),
        ("django/core/mail/backends/smtp.py", False),
        ("requests/adapters.py", False),
    ],
)
def test_connections_of_the_infrastructure_are_no_points(
    touches: Touches, server: int, package: str, infrastructure: bool
) -> None:
    connect = compiled_in(f"/venv/lib/python3/site-packages/{package}", "connect")
    as_a_task_would(lambda: connect(socket.create_connection, ("localhost", server)))
    assert (touches.points == []) == infrastructure


def compiled_in(file: str, name: str) -> Callable[..., Any]:
    """Return a function that a file is said to define; it calls what it is given."""
    found: dict[str, Any] = {}
    code: CodeType = compile(f"def {name}(function, *arguments): function(*arguments).close()", file, "exec")
    exec(code, found)
    function: Callable[..., Any] = found[name]
    return function


def as_a_task_would(body: Callable[[], None]) -> None:
    body()


def test_the_users_own_code_between_is_what_counts() -> None:
    frame = sys._getframe()
    assert not callsite.asked_by(frame, lambda _: True)


def counted(attempt: Any) -> list[tuple[str, int, int]]:
    """Return host, made and failed of what the instrument tells."""
    return [(row.host, row.made, row.failed) for row in attempt.reading("outbound").end()]


def test_connections_are_counted_by_whether_they_were_made(attempt: Any, server: int) -> None:
    for _ in range(3):
        socket.create_connection(("127.0.0.1", server)).close()
    with socket.socket() as taken, socket.socket() as client:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(ConnectionRefusedError):
            client.connect(taken.getsockname())
    assert counted(attempt) == [("127.0.0.1", 3, 0), ("127.0.0.1", 0, 1)]


@pytest.mark.parametrize("name", ["mail.invalid", b"mail.invalid"])
def test_a_name_that_nobody_knows_is_a_connection_that_failed(attempt: Any, name: str) -> None:
    for port in (25, "25"):
        with pytest.raises(socket.gaierror):
            socket.getaddrinfo(name, port)
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo(host=name, port=None)
    found = {(each.host, each.port): (each.made, each.failed) for each in attempt.reading("outbound").end()}
    assert found == {("mail.invalid", 25): (0, 2), ("mail.invalid", None): (0, 1)}


def test_a_connection_on_the_way_is_made(attempt: Any, server: int) -> None:
    with socket.socket() as client:
        client.setblocking(False)
        assert client.connect_ex(("127.0.0.1", server)) in {0, *connections._UNDER_WAY}
    assert counted(attempt) == [("127.0.0.1", 1, 0)]


def test_who_measures_nothing_is_left_alone(server: int) -> None:
    attempt: Any = Attempt(outbound=None)
    scope = context.enter(attempt)
    socket.create_connection(("127.0.0.1", server)).close()
    context.leave(scope)
    assert attempt.hosts == {"127.0.0.1": "127.0.0.1"}


def test_everything_is_put_back() -> None:
    connections.uninstall()
    assert socket.socket.connect is socket.SocketType.connect
    assert socket.getaddrinfo.__module__ == "socket"
    assert not hasattr(socket.getaddrinfo, "__wrapped__")
