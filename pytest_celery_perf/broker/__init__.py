"""The Redis that the tests run against: a server process, a container, or one of the user's own.

`choose` decides which, `Broker` is how the rest of the package sees it, and `inspect` answers
questions about the messages in it. Nothing here imports redis, kombu or docker before it is used.
"""

from __future__ import annotations

from pytest_celery_perf.broker.base import Broker, Endpoint
from pytest_celery_perf.broker.choose import choose
from pytest_celery_perf.broker.shared import attach

__all__ = ["Broker", "Endpoint", "attach", "choose"]
