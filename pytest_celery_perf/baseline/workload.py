"""A piece of work that is always the same, to tell how fast a machine is: a program of its own.

It does what tasks do between their queries: it builds and sorts objects, formats texts, writes and reads JSON, hashes,
and holds some megabytes. It runs as ``python -I -S workload.py``, alone in its process: what the process of the tests
has loaded, traces or keeps for the garbage collector would slow it down.

The figures of all stored runs rest on it: whoever changes it changes `VERSION`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time

VERSION = 1
ROWS = 1500
REPETITIONS = 40
"""About a second, in all."""
WARM_UP = 3


def work(rows: int = ROWS) -> str:
    """Do it once.

    Args:
        rows: How much of it.

    Returns:
        A digest of what was done, always the same for so many rows.
    """
    orders = [{"id": n, "customer": f"customer-{n % 97:04}", "items": [n * 7 % 31, n * 11 % 17]} for n in range(rows)]
    text = json.dumps(orders, sort_keys=True)
    read = sorted(json.loads(text), key=lambda order: (order["customer"], -order["id"]))
    totals: dict[str, int] = {}
    for order in read:
        totals[order["customer"]] = totals.get(order["customer"], 0) + sum(order["items"]) * order["id"] % 1009
    held = bytearray(text.encode() * 8)
    digest = hashlib.sha256(held)
    for name, total in totals.items():
        digest.update(f"{name}={total:,}".encode())
    return digest.hexdigest()


def timed() -> tuple[int, int]:
    """Do it once, and return how long that took: wall and CPU time, in nanoseconds."""
    wall_ns, cpu_ns = time.perf_counter_ns(), time.process_time_ns()
    work()
    return time.perf_counter_ns() - wall_ns, time.process_time_ns() - cpu_ns


def main() -> None:
    """Print a line of JSON: the wall and CPU time of each repetition, in nanoseconds."""
    for _ in range(WARM_UP):
        work()
    json.dump([timed() for _ in range(REPETITIONS)], sys.stdout)


if __name__ == "__main__":
    main()
