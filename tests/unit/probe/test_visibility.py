"""What a worker says of when it has messages delivered again."""

from __future__ import annotations

import pytest
from celery import Celery
from kombu.transport.redis import Channel

from pytest_celery_perf.probe import visibility


@pytest.fixture
def app() -> Celery:
    """Return an app whose broker need not be there."""
    return Celery("shop", broker="redis://broker.invalid:1/0")


@pytest.mark.parametrize(
    ("options", "timeout_s", "delay_s"),
    [
        ({}, 3600.0, 100.0),
        ({"visibility_timeout": 7200}, 7200.0, 100.0),
        ({"unacked_restore_interval": 2, "unacked_restore_throttle": 3}, 3600.0, 6.0),
        ({"unacked_restore_interval": 5, "unacked_restore_throttle": 0}, 3600.0, 5.0),
    ],
)
@pytest.mark.skipif(not hasattr(Channel, "unacked_restore_interval"), reason="new in kombu 5.7")
def test_when_production_would_deliver_again(
    app: Celery, options: dict[str, int], timeout_s: float, delay_s: float
) -> None:
    app.conf.broker_transport_options = options

    assert visibility.timeout_s(app) == timeout_s
    assert visibility.restore_delay_s(app) == delay_s


def test_before_kombu_57_the_sweep_cannot_be_set(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("unacked_restore_interval", "unacked_restore_throttle"):
        monkeypatch.delattr(Channel, name, raising=False)
    app.conf.broker_transport_options = {"unacked_restore_interval": 1, "unacked_restore_throttle": 1}

    assert visibility.restore_delay_s(app) == 100.0
