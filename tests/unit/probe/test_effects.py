"""Effects: each is noted once, by what it touches, and only if the execution wants that."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from kombu import Connection, Producer

from pytest_celery_perf.probe import context, effects
from tests.unit.probe.attempts import Attempt, Touches


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


def test_a_message_is_a_point_but_not_the_connection_that_it_needs(touches: Touches) -> None:
    with Connection("memory://") as connection:
        connection.Producer().publish({}, routing_key="mail", headers={"task": "shop.mail"})
    assert touches.points == [("publish", "shop.mail to mail")]


def test_what_celery_tells_of_its_tasks_is_no_point(touches: Touches) -> None:
    with Connection("memory://") as connection:
        connection.Producer().publish({"type": "task-sent"}, routing_key="task.sent", exchange="celeryev")
    assert touches.points == []


def test_transactions_end_by_alias(touches: Touches) -> None:
    ended: list[Any] = []
    connection: Any = type("Connection", (), {"alias": "archive"})()
    effects._ending("commit")(ended.append)(connection)
    assert (touches.points, ended) == ([("commit", "archive"), ("answered", "")], [connection])


def test_everything_is_put_back() -> None:
    effects.uninstall()
    for function in (socket.socket.connect, socket.getaddrinfo, Producer.publish):
        assert not hasattr(function, "__wrapped__")
