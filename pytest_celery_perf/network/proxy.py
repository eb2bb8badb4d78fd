"""A TCP proxy: a port of this machine at which a server is reached over a network that can be made bad."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar

from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.network.connection import Connection, close
from pytest_celery_perf.network.toxics import Direction

HOST = "127.0.0.1"
_BACKLOG = 128

T = TypeVar("T")


class Proxy:
    """One port; everything but its construction must happen in one event loop.

    Args:
        server: The server's host and port.
        host: The address where it listens.
    """

    def __init__(self, server: tuple[str, int], host: str = HOST) -> None:
        self.up = Direction()
        """From the clients to the server."""
        self.down = Direction()
        """From the server to the clients."""
        self.host = host
        self.port = 0
        self._server = server
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Task[None] | None = None
        self._connections: set[Connection] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._ghosts: list[socket.socket] = []

    async def listen(self, ports: Iterable[int] = ()) -> None:
        """Listen: where it did before, or else at the first of some ports that can be had.

        Args:
            ports: To try. See `broker.ports` for why they are not left to the system.

        Raises:
            BrokerError: None of them can be had.
        """
        for port in [self.port] if self.port else ports:
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.setblocking(False)
            try:
                listener.bind((self.host, port))
                listener.listen(_BACKLOG)
            except OSError:
                listener.close()
                continue
            self.port, self._listener = port, listener
            self._accepting = asyncio.get_running_loop().create_task(self._accept(listener))
            return
        raise BrokerError(f"a proxy for {self._server[0]}:{self._server[1]} found no free port on {self.host}")

    async def refuse(self) -> None:
        """Listen no longer: who connects is refused."""
        if self._accepting is not None and self._listener is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
            self._listener.close()
        self._accepting = self._listener = None

    async def end_connections(self, *, reset: bool = False, unaware: tuple[str, ...] = ()) -> int:
        """End those that exist; others can be made at once.

        Args:
            reset: See `Connection.end`.
            unaware: See `Connection.end`.

        Returns:
            How many there were.
        """
        ended = list(self._connections)
        for connection in ended:
            connection.end(reset=reset, unaware=unaware)
        await self._all_ended()
        return len(ended)

    def lay_ghosts(self) -> None:
        """Tell those who still believe in a connection that ended."""
        while self._ghosts:
            close(self._ghosts.pop(), reset=True)

    async def close(self) -> None:
        """End everything."""
        await self.refuse()
        await self.end_connections(reset=True)
        self.lay_ghosts()

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            connection = Connection(client, self._server, self.up, self.down)
            self._connections.add(connection)
            ending = loop.create_task(self._forget(connection))
            self._endings.add(ending)
            ending.add_done_callback(self._endings.discard)

    async def _forget(self, connection: Connection) -> None:
        self._ghosts += await connection.ended()
        self._connections.discard(connection)

    async def _all_ended(self) -> None:
        if self._endings:
            await asyncio.wait(self._endings)


class Loop:
    """An event loop in a thread of its own, for proxies to run in."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="celery-perf network", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there, and wait for it."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function there, and wait for it."""

        async def called() -> T:
            return function(*arguments)

        return self.run(called())

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
