from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_celery_perf.broker import ports
from pytest_celery_perf.network.proxy import HOST, Loop, Proxy

PATIENCE_S = 20.0
"""Longer than anything takes that happens at all."""


class Wire:
    """A proxy before a server that is a bare socket, so that both ends are in the test's hands."""

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.server = socket.create_server((HOST, 0))
        self.server.settimeout(PATIENCE_S)
        self.proxy = Proxy(self.server.getsockname())
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self.server)
        self.loop.run(self.proxy.listen(ports.candidates()))

    def dial(self) -> socket.socket:
        return self._stack.enter_context(socket.create_connection((HOST, self.proxy.port), timeout=PATIENCE_S))

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """Return the client's end and the server's."""
        client = self.dial()
        server, _ = self.server.accept()
        server.settimeout(PATIENCE_S)
        return client, self._stack.enter_context(server)

    def close(self) -> None:
        self.loop.run(self.proxy.close())
        self._stack.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    """A thread for proxies, which leaves neither itself nor a descriptor behind."""
    threads, descriptors = threading.enumerate(), _descriptors()
    loop = Loop()
    yield loop
    loop.close()
    assert threads == threading.enumerate()
    assert _descriptors() <= descriptors


@pytest.fixture
def wire(loop: Loop) -> Iterator[Wire]:
    wire = Wire(loop)
    yield wire
    wire.close()


def _descriptors() -> set[str]:
    """Return what this process has open; what others have forgotten may be closed meanwhile."""
    found = set()
    for descriptor in Path("/proc/self/fd").glob("*"):
        with contextlib.suppress(OSError):  # it was that of this very look
            found.add(str(descriptor.readlink()))
    return found
