"""One connection through a proxy: a client's, and ours to the server, with what passes between them."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from dataclasses import dataclass
from typing import Any

from pytest_celery_perf.network.toxics import Direction

_CHUNK_BYTES = 1 << 14
_READ_AHEAD = 16
"""Chunks: what a slow link holds on its way before the sender feels it."""
_DISCARD = struct.pack("ii", 1, 0)
"""SO_LINGER: close at once, with a reset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    data: bytes | None
    """Empty: the sender has closed its end; None: it has reset the connection."""
    sent_s: float
    luck: float


class Connection:
    """Carries bytes between a client and the server until both have closed, or it is ended.

    Args:
        client: The accepted socket, not blocking.
        server: The server's host and port.
        up: The direction from the client to the server.
        down: The direction back.
    """

    def __init__(self, client: socket.socket, server: tuple[str, int], up: Direction, down: Direction) -> None:
        self._address = server
        self._up = up
        self._down = down
        self._ends = {"client": client}
        self._reset = False
        self._unaware: tuple[str, ...] = ()
        self._random = random.Random(0)
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def ended(self) -> list[socket.socket]:
        """Return once it has ended, of itself or by `end`.

        Returns:
            The sockets of those who have not been told.
        """
        await asyncio.wait([self._task])
        ghosts = [self._ends.pop(name) for name in self._unaware if name in self._ends]
        for each in self._ends.values():
            close(each, reset=self._reset)
        return ghosts

    def end(self, *, reset: bool = False, unaware: tuple[str, ...] = ()) -> None:
        """End it.

        Args:
            reset: By a reset; else it is closed.
            unaware: Who is not told, ``client`` or ``server`` or both: to them it looks alive, and dumb.
        """
        self._reset = reset
        self._unaware = unaware
        self._task.cancel()

    async def _run(self) -> None:
        try:
            await self._connect()
            async with asyncio.TaskGroup() as group:
                for source, sink, direction in (("client", "server", self._up), ("server", "client", self._down)):
                    queue: asyncio.Queue[_Chunk] = asyncio.Queue(_READ_AHEAD)
                    group.create_task(self._read(self._ends[source], queue))
                    group.create_task(_deliver(queue, self._ends[sink], direction))
        except* OSError:
            self._reset = True

    async def _connect(self) -> None:
        """Connect to the server, after what would be the client's handshake with it.

        Raises:
            OSError: Its name has no address, or it listens at none of them.
        """
        loop = asyncio.get_running_loop()
        for direction in (self._up, self._down):
            await direction.arrival(loop.time())
        for family, *_, address in await loop.getaddrinfo(*self._address, type=socket.SOCK_STREAM):
            if await self._reaches(family, address):
                break
        else:
            raise ConnectionRefusedError
        for end in self._ends.values():
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # pieces must stay pieces

    async def _reaches(self, family: int, address: tuple[Any, ...]) -> bool:
        """Connect to the server at one of the addresses of its name, and tell whether it listens there."""
        try:
            self._ends["server"] = server = socket.socket(family)
            server.setblocking(False)
            await asyncio.get_running_loop().sock_connect(server, address)
        except OSError:  # also if this machine has no such family
            if "server" in self._ends:
                self._ends.pop("server").close()
            return False
        return True

    async def _read(self, source: socket.socket, queue: asyncio.Queue[_Chunk]) -> None:
        """Read ahead, so that a delay does not make the link narrower."""
        loop = asyncio.get_running_loop()
        data: bytes | None = b"-"
        while data:
            try:
                data = await loop.sock_recv(source, _CHUNK_BYTES)
            except ConnectionError:
                data = None
            await queue.put(_Chunk(data=data, sent_s=loop.time(), luck=self._random.uniform(-1, 1)))


async def _deliver(queue: asyncio.Queue[_Chunk], sink: socket.socket, direction: Direction) -> None:
    loop = asyncio.get_running_loop()
    while True:
        chunk = await queue.get()
        await direction.arrival(chunk.sent_s, chunk.luck)
        if chunk.data is None:
            raise ConnectionResetError
        if not chunk.data:
            sink.shutdown(socket.SHUT_WR)
            return
        for piece in direction.pieces(chunk.data):
            await direction.passage(len(piece))
            await direction.arrival(chunk.sent_s, chunk.luck)  # it may have fallen silent meanwhile
            await loop.sock_sendall(sink, piece)


def close(end: socket.socket, *, reset: bool) -> None:
    """Close a socket.

    Args:
        end: The socket.
        reset: Whether the other side shall see a reset instead of an end.
    """
    if reset:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _DISCARD)
    end.close()
