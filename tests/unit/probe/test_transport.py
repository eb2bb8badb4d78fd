"""What a worker says of the transport that its app has configured."""

from __future__ import annotations

import pytest
from celery import Celery

from pytest_celery_perf.probe import transport


@pytest.mark.parametrize(
    ("broker", "options", "steps"),
    [
        ("redis://broker.invalid:1/0", {}, [0, 3, 6, 9]),
        ("redis://broker.invalid:1/0", {"priority_steps": range(10)}, [*range(10)]),
        ("amqp://broker.invalid:1", {}, []),
    ],
)
def test_which_priorities_the_broker_keeps_apart(broker: str, options: dict[str, range], steps: list[int]) -> None:
    app = Celery("shop", broker=broker)
    app.conf.broker_transport_options = options
    assert transport.priority_steps(app) == steps
