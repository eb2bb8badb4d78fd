"""The sides of scenario D, up at the same time on one Redis server: each is given a batch of tasks and works it off."""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import redis

from pytest_celery_perf.probe import lines, wire
from pytest_celery_perf.runner.pool import Pool
from tests.benchmarks.backlog import Backlog
from tests.benchmarks.measuring import CannotMeasureError, session_cpu_s
from tests.benchmarks.workbench import PROJECT, BareWorker

CONCURRENCY = 10
_PATIENCE_S = 300.0
_STAMP = struct.Struct("=Qq")
"""As ``project/depot.py`` writes it."""

Pause = Callable[[int], object]
"""Takes a while; called with the number of tasks that are left."""
Batch = tuple[Callable[[], object], Callable[[Pause], object]]
"""What lets a worker have a batch of tasks, and what waits until none is left."""


class Side:
    """A worker, and what its tasks took all together.

    Args:
        leader: The process that leads the worker's session.
        publish: Publishes so many tasks, and returns what lets the worker have them and what waits for their end.
    """

    def __init__(self, leader: int, publish: Callable[[int], Batch]) -> None:
        self._leader = leader
        self._publish = publish
        self.published_s = 0.0
        self.wall_s = 0.0
        self.cpu_s = 0.0
        self.tasks = 0

    def run(self, count: int, pause: Pause) -> None:
        """Publish a batch, aside, and have it worked off."""
        began_s = time.monotonic()
        release, wait = self._publish(count)
        self.published_s += time.monotonic() - began_s
        cpu_s, began_s = session_cpu_s(self._leader), time.monotonic()
        release()
        wait(pause)
        self.wall_s += time.monotonic() - began_s
        self.cpu_s += session_cpu_s(self._leader) - cpu_s
        self.tasks += count


class Celery(Side):
    """A worker of Celery; what it is given are copies of one message.

    Args:
        leader: See `Side`.
        app: The Celery app.
        url: Its broker.
    """

    def __init__(self, leader: int, app: Any, url: str) -> None:
        super().__init__(leader, self._copies)
        self._app = app
        self._url = url
        self.released_ns: dict[str, int] = {}
        """By task: when it could be taken."""

    def _copies(self, count: int) -> Batch:
        backlog = Backlog(self._app, self._url, count)

        def release() -> None:
            self.released_ns |= dict.fromkeys(backlog.ids, time.monotonic_ns())
            backlog.release()

        return release, backlog.wait

    def latencies_ns(self, pool: Pool) -> list[int]:
        """Return how long after their release tasks ended, from the records of their worker: once for each that did."""
        files = (path for each in pool.members for path in Path(each.worker.launch.probe.spool).glob("*.jsonl"))
        records = (lines.decode(line) for path in files for line in path.read_bytes().split(b"\n")[:-1])
        ends = {record.id: record.ns for record in records if isinstance(record, wire.Finished)}
        return [ends[task] - at_ns for task, at_ns in self.released_ns.items() if task in ends]


class AsyncTasQ(Side):
    """The worker of AsyncTasQ as its command starts it: one process with ten tasks at a time.

    Args:
        url: Its Redis.
        scratch: Where its task stamps when it ran.

    Raises:
        CannotMeasureError: It is not installed.
    """

    def __init__(self, url: str, scratch: Path) -> None:
        try:
            import asynctasq
            from asynctasq.config import RedisConfig
        except ImportError:
            raise CannotMeasureError("AsyncTasQ is not installed; it needs Python 3.12 or newer") from None
        self._stamps = scratch / "stamps"
        os.environ["DEPOT_STAMPS"] = str(self._stamps)
        asynctasq.init({"driver": "redis", "redis": RedisConfig(url=url)})
        self._redis = redis.Redis.from_url(url)
        self._runner = asyncio.Runner()
        self._released_ns: list[int] = []
        command = [sys.executable, "-m", "asynctasq", "worker", "--redis-url", url, "--concurrency", str(CONCURRENCY)]
        self._process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": str(PROJECT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        super().__init__(self._process.pid, self._dispatched)

    def _dispatched(self, count: int) -> Batch:
        first = len(self._released_ns)
        self._runner.run(self._dispatch(range(first, first + count)))

        def release() -> None:
            self._released_ns += [time.monotonic_ns()] * count
            self._redis.rename("queue:aside", "queue:default")

        return release, self._wait

    @staticmethod
    async def _dispatch(numbers: range) -> None:
        import depot  # type: ignore[import-not-found]

        for number in numbers:
            await depot.nothing(number).on_queue("aside").dispatch()

    def _wait(self, pause: Pause) -> None:
        deadline = time.monotonic() + _PATIENCE_S
        while held := sum(int(self._redis.llen(key)) for key in ("queue:default", "queue:default:processing")):
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise TimeoutError(f"AsyncTasQ has {held} tasks left")
            pause(held)

    def latencies_ns(self) -> list[int]:
        """Return how long after their release tasks ended, as they said themselves: once for each that did."""
        ends = dict(_STAMP.iter_unpack(self._stamps.read_bytes()))
        return [ends[number] - at_ns for number, at_ns in enumerate(self._released_ns) if number in ends]

    def close(self) -> None:
        """Have its worker shut down, and forget its connections."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        self._runner.close()
        self._redis.close()


def bare(
    command: list[str], app: Any, url: str, scratch: Path, results: str = ""
) -> tuple[Celery, closing[BareWorker]]:
    """Start a worker of Celery that nobody watches.

    Args:
        command: The module to run, and its arguments.
        app: The Celery app.
        url: The broker.
        scratch: A directory for it.
        results: Where it stores results; empty for nowhere.

    Returns:
        The side, and what ends the worker.
    """
    scratch.mkdir()
    worker = BareWorker(command, url, scratch, {"WAREHOUSE_RESULTS": results} if results else None)
    return Celery(worker.start(), app, url), closing(worker)
