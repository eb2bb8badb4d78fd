"""TCP ports that a server can keep."""

from __future__ import annotations

import random
from collections.abc import Iterator

_BELOW_EPHEMERAL = range(16384, 32768)
_ATTEMPTS = 50


def candidates() -> Iterator[int]:
    """Yield ports to try until a server can listen at one.

    No port is tried beforehand, as it could be taken before the server has it: the server says. They lie
    below the range from which systems take the ports of outgoing connections (32768 on Linux, 49152
    elsewhere), since while a killed server is down, a worker that tries to reconnect could be given the
    very port, connect to itself, and keep it from the server that comes back.
    """
    yield from random.Random().sample(_BELOW_EPHEMERAL, _ATTEMPTS)
