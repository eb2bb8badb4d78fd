"""Effects: each is noted once, by what it touches, and only if the execution wants that."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable, Iterator
from types import CodeType
from typing import Any

import pytest
from kombu import Connection

from pytest_celery_perf.probe import callsite, context, effects


class Touches:
    """Touch points that only remember."""

    def __init__(self) -> None:
        self.points: list[tuple[str, str]] = []
        self.hosts: dict[str, str] = {}

    def reach(self, kind: str, label: str = "") -> None:
        self.points.append((kind, label))

    def answered(self) -> None:
        self.points.append(("answered", ""))

    def publish(self, headers: dict[str, Any], routing_key: str) -> None:
        self.points.append(("publish", f"{headers.get('task')} to {routing_key}"))


class Attempt:
    def __init__(self, touches: Touches | None) -> None:
        self.touches = touches


@pytest.fixture(autouse=True)
def installed() -> Iterator[None]:
    context.configure("prefork")
    effects.install()
    yield
    effects.uninstall()
    context.unconfigure()


@pytest.fixture
def touches() -> Iterator[Touches]:
    touches = Touches()
    attempt: Any = Attempt(touches)
    scope = context.enter(attempt)
    yield touches
    context.leave(scope)


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
    attempt: Any = Attempt(None)
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
    ],
)
def test_peers(address: object, expected: str) -> None:
    assert effects._peer(address, {"10.0.0.7": "pay.example"}) == expected


def test_a_message_is_a_point_but_not_the_connection_that_it_needs(touches: Touches) -> None:
    with Connection("memory://") as connection:
        connection.Producer().publish({}, routing_key="mail", headers={"task": "shop.mail"})
    assert touches.points == [("publish", "shop.mail to mail")]


def test_what_celery_tells_of_its_tasks_is_no_point(touches: Touches) -> None:
    with Connection("memory://") as connection:
        connection.Producer().publish({"type": "task-sent"}, routing_key="task.sent", exchange="celeryev")
    assert touches.points == []


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


class Cache:
    def set(self, key: str, value: object) -> None:
        """Write."""

    def set_many(self, data: dict[str, object]) -> None:
        for key, value in data.items():
            self.set(key, value)


@pytest.fixture
def cache() -> Cache:
    for name in ("set", "set_many"):
        effects._wrap(Cache, name, effects._writing(name))
    return Cache()


def test_a_write_is_known_by_its_key(touches: Touches, cache: Cache) -> None:
    cache.set("order:17", 1)
    cache.set(key="order:18", value=1)
    assert touches.points == [("cache", "set order:#")] * 2


def test_what_a_write_is_made_of_is_no_write_of_its_own(touches: Touches, cache: Cache) -> None:
    cache.set_many({"b:2": 1, "a:1": 1, "a:2": 1})
    cache.set("after", 1)
    assert touches.points == [("cache", "set_many a:#, b:#"), ("cache", "set after")]


def test_an_iterator_of_keys_is_not_used_up() -> None:
    keys = iter(["a", "b"])
    assert effects._keys(keys) == "list_iterator"
    assert list(keys) == ["a", "b"]


def test_transactions_end_by_alias(touches: Touches) -> None:
    ended: list[Any] = []
    connection: Any = type("Connection", (), {"alias": "archive"})()
    effects._ending("commit")(ended.append)(connection)
    assert (touches.points, ended) == ([("commit", "archive"), ("answered", "")], [connection])


def test_everything_is_put_back() -> None:
    effects.uninstall()
    assert socket.socket.connect is socket.SocketType.connect
    assert socket.getaddrinfo.__module__ == "socket"
    assert not hasattr(socket.getaddrinfo, "__wrapped__")
