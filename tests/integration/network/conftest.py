from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_celery_perf.broker import ports
from pytest_celery_perf.network.proxy import HOST
from pytest_celery_perf.network.remote import ProxyProcess

PATIENCE_S = 20.0
"""Longer than anything takes that happens at all."""


class Wire:
    """A proxy before a server that is a bare socket, so that both ends are in the test's hands."""

    def __init__(self, process: ProxyProcess, server: socket.socket, name: str = HOST) -> None:
        self.server = server
        self.server.settimeout(PATIENCE_S)
        self.proxy = process.proxy((name, server.getsockname()[1]), HOST, ports.candidates())
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self.server)

    def dial(self) -> socket.socket:
        return self._stack.enter_context(socket.create_connection((HOST, self.proxy.port), timeout=PATIENCE_S))

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Return the client's end and the server's."""
        client = self.dial()
        server, _ = self.server.accept()
        server.settimeout(PATIENCE_S)
        return client, self._stack.enter_context(server)

    def close(self) -> None:
        self.proxy.close()
        self._stack.close()


@pytest.fixture
def process() -> Iterator[ProxyProcess]:
    """A process for proxies, which leaves no descriptor behind."""
    descriptors = _descriptors()
    with ProxyProcess() as process:
        yield process
    assert _descriptors() <= descriptors


@pytest.fixture
def wire(process: ProxyProcess) -> Iterator[Wire]:
    wire = Wire(process, socket.create_server((HOST, 0)))
    yield wire
    wire.close()


def _descriptors() -> set[str]:
    """Return what this process has open; what others have forgotten may be closed meanwhile."""
    found = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # it was that of this very look
            found.add(str(descriptor.readlink()))
    return found
