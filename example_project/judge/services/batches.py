"""How many rows one statement writes: a compromise between round trips and the size of a statement."""

from __future__ import annotations

BATCH_SIZE = 100
