"""A TCP proxy: a port of this machine at which a server is reached over a network that can be made bad."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.network.connection import Connection, close
from pytest_celery_perf.network.toxics import Direction, Toxic

HOST = "127.0.0.1"
_BACKLOG = 128


class Proxy:
    """One port; everything but its construction must happen in one event loop.

    Args:
        server: The server's host and port.
        host: The address where it listens.
    """

    def __init__(self, server: tuple[str, int], host: str = HOST) -> None:
        self._up = Direction()
        self._down = Direction()
        self._host = host
        self._port = 0
        self._server = server
        self._listener: socket.socket | None = None
        self._kept: socket.socket | None = None
        """Has the port while nobody listens there."""
        self._accepting: asyncio.Task[None] | None = None
        self._connections: set[Connection] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._ghosts: list[socket.socket] = []

    async def listen(self, ports: Iterable[int] = ()) -> int:
        """Listen: where it did before, or else at the first of some ports that can be had.

        Args:
            ports: To try.

        Returns:
            The port.

        Raises:
            BrokerError: None of them can be had.
        """
        for port in [self._port] if self._port else ports:
            listener, self._kept = self._kept or _bound(self._host, port), None
            if listener is None or not _listens(listener):
                continue
            self._port, self._listener = port, listener
            self._accepting = asyncio.get_running_loop().create_task(self._accept(listener))
            return port
        raise BrokerError(f"a proxy for {self._server[0]}:{self._server[1]} found no free port on {self._host}")

    async def refuse(self) -> None:
        """Listen no longer: who connects is refused. The port is kept, lest another process take it meanwhile."""
        if self._accepting is not None and self._listener is not None:
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
            self._listener.close()
            self._kept = _bound(self._host, self._port)
        self._accepting = self._listener = None

    def add(self, toxic: Toxic, direction: str) -> None:
        """Add a toxic: ``upstream`` (from the clients to the server), ``downstream`` or ``both``."""
        for way in self._ways(direction):
            way.add(toxic)

    def remove(self, toxic: Toxic, direction: str) -> None:
        """Remove what was added."""
        for way in self._ways(direction):
            way.remove(toxic)

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
        if self._kept is not None:
            self._kept.close()
        await self.end_connections(reset=True)
        self.lay_ghosts()

    def _ways(self, direction: str) -> list[Direction]:
        ways = (self._up, "upstream"), (self._down, "downstream")
        return [way for way, name in ways if direction in {name, "both"}]

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            connection = Connection(client, self._server, self._up, self._down)
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


def _bound(host: str, port: int) -> socket.socket | None:
    """Take a port for nobody else; None if somebody has it.

    Source:
        socket(7), SO_REUSEADDR: of two sockets that are set so, both may have a port at which none of them listens.
    """
    taken = socket.socket()
    taken.setblocking(False)
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of before may not be forgotten yet
    try:
        taken.bind((host, port))
    except OSError:
        taken.close()
        return None
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return taken


def _listens(taken: socket.socket) -> bool:
    """Listen at a port that was taken; False, and it is given back, if that cannot be."""
    taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        taken.listen(_BACKLOG)
    except OSError:
        taken.close()
        return False
    return True
