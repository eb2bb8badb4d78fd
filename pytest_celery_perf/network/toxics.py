"""What a bad network does to the bytes that are sent in one direction."""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

_PIECE_S = 0.01
"""How much a narrow link sends at once: so many seconds' worth."""


_numbers = itertools.count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """What is bad about a network, in one direction; nothing unless it is said."""

    number: int = field(default_factory=_numbers.__next__)
    """Its own: another one that does the same is not equal, and is not removed with it."""
    latency_s: float = 0.0
    """How much later everything arrives. For ever is an interruption: what was sent meanwhile arrives when it is over,
    as TCP sends again what was not acknowledged."""
    jitter_s: float = 0.0
    """How much more or less than that it may be."""
    bytes_per_s: float = math.inf
    """No more passes, over all connections of the link together."""
    slice_bytes: float = math.inf
    """Nothing larger arrives in one piece."""
    gap_s: float = 0.0
    """Between two pieces, without which the receiver would hardly see them apart."""

    def delay_s(self, luck: float) -> float:
        """Return how much later than sent something arrives.

        Args:
            luck: Its own, from -1 to 1.
        """
        return max(0.0, self.latency_s + luck * self.jitter_s)

    @property
    def piece_bytes(self) -> float:
        """How much is sent at once."""
        return min(self.slice_bytes, max(1.0, self.bytes_per_s * _PIECE_S))

    def busy_s(self, size_bytes: int) -> float:
        """Return for how long a piece keeps the link from sending the next one."""
        return size_bytes / self.bytes_per_s + self.gap_s


class Direction:
    """One direction of a link: all that is sent that way, over any of its connections, passes here.

    Must be used in one event loop only.
    """

    def __init__(self) -> None:
        self._toxics: list[Toxic] = []
        self._changed = asyncio.Event()
        self._free_s = 0.0

    def add(self, toxic: Toxic) -> None:
        """Have a toxic apply from now on, also to what is under way."""
        self._toxics.append(toxic)
        self._change()

    def remove(self, toxic: Toxic) -> None:
        """Have a toxic that was added apply no longer."""
        self._toxics = [each for each in self._toxics if each != toxic]
        self._change()

    def _change(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def arrival(self, sent_s: float, luck: float = 0.0) -> None:
        """Return when something that was sent arrives.

        Args:
            sent_s: When it was sent, by the loop's clock.
            luck: How much of the jitter hits it, from -1 to 1.
        """
        now = asyncio.get_running_loop().time
        while (left_s := sent_s + sum(toxic.delay_s(luck) for toxic in self._toxics) - now()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(None if left_s == math.inf else left_s):
                    await self._changed.wait()

    def pieces(self, data: bytes) -> Iterator[memoryview]:
        """Cut bytes into what is sent at once."""
        view = memoryview(data)
        while view:
            most = min((toxic.piece_bytes for toxic in self._toxics), default=math.inf)
            size = len(view) if most == math.inf else int(most)
            yield view[:size]
            view = view[size:]

    async def passage(self, size_bytes: int) -> None:
        """Return when the link has sent a piece of so many bytes, after those of all others who wait."""
        now_s = asyncio.get_running_loop().time()
        self._free_s = max(self._free_s, now_s) + sum(toxic.busy_s(size_bytes) for toxic in self._toxics)
        if self._free_s > now_s:
            await asyncio.sleep(self._free_s - now_s)
