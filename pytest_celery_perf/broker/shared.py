"""A broker that another process of the run has started: how an xdist worker uses the controller's."""

from __future__ import annotations

from pytest_celery_perf.broker.base import Broker, Endpoint
from pytest_celery_perf.errors import BrokerError


class SharedServer:
    """A server to be used and left alone.

    Args:
        endpoint: Where it is.
    """

    pid = None

    def __init__(self, endpoint: Endpoint) -> None:
        self.kind = endpoint.kind
        self.description = endpoint.description
        self._endpoint = endpoint

    def start(self) -> Endpoint:
        """Return its endpoint: it runs already."""
        return self._endpoint

    def kill(self, *, keep_data: bool = True) -> None:  # noqa: ARG002 - the protocol's
        """Refuse.

        Raises:
            BrokerError: Always.
        """
        raise BrokerError(f"{self.description} is shared by the whole run: a test that kills a broker needs its own")

    def pause(self) -> None:
        """Refuse, like `kill`.

        Raises:
            BrokerError: Always.
        """
        raise BrokerError(f"{self.description} is shared by the whole run: a test that stops a broker needs its own")

    def resume(self) -> None:
        """Do nothing: it was never stopped."""

    def restart(self) -> Endpoint:
        """Refuse, like `kill`.

        Raises:
            BrokerError: Always.
        """
        raise BrokerError(f"{self.description} is shared by the whole run, it cannot be restarted from here")

    def stop(self) -> None:
        """Leave it running: whoever started it stops it."""

    def log_tail(self, lines: int) -> list[str]:  # noqa: ARG002 - the protocol's
        """Return nothing: its log is with whoever started it."""
        return []


def attach(endpoint: str) -> Broker:
    """Use a broker that another process of the run has started.

    Args:
        endpoint: What `Endpoint.dump` returned there.

    Returns:
        The broker, started.
    """
    return Broker(SharedServer(Endpoint.load(endpoint))).start()
