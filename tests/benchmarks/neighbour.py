"""A busy neighbour: a loop on one core that comes and goes, as on a machine that others use too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LOOP = """
import random, time
drawn = random.Random(7)
while True:
    until = time.monotonic() + drawn.uniform(0.2, 3)
    while time.monotonic() < until:
        pass
    time.sleep(drawn.uniform(0.2, 3))
"""


@contextmanager
def busy_neighbour() -> Iterator[None]:
    """Have one beside the work of the block."""
    process = subprocess.Popen([sys.executable, "-c", _LOOP])
    try:
        yield
    finally:
        process.kill()
        process.wait()
