"""What the benchmarks of workers need: the stage of a test session, and Celery's own command beside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, chdir, contextmanager
from pathlib import Path

from pytest_celery_perf.runner.groundwork import Groundwork
from pytest_celery_perf.runner.stage import Stage, StagePlan

PROJECT = Path(__file__).parent / "project"
APP = "warehouse.celery:app"


@contextmanager
def on_stage(*, preload: bool = False) -> Iterator[Stage]:
    """Set up what a test session has, around the benchmarks' project and a server process.

    Args:
        preload: Whether workers shall be forked from a process that has imported the app.
    """
    with ExitStack() as stack:
        stack.enter_context(chdir(PROJECT))
        if str(PROJECT) not in sys.path:
            sys.path.insert(0, str(PROJECT))
        ground = Groundwork()
        stack.callback(ground.close)
        if preload:
            ground.preload(APP)
        stage = Stage(StagePlan(app=APP, broker="process", image="", logs=None), ground)
        stack.callback(stage.close)
        yield stage


class BareWorker:
    """A worker that nobody watches.

    Args:
        command: The module to run, and its arguments.
        broker_url: Where it takes its messages.
        scratch: A directory for the FIFO by which it says that it is ready.
        environment: Further variables.
    """

    def __init__(
        self, command: Sequence[str], broker_url: str, scratch: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._command = [sys.executable, "-m", *command]
        self._ready = scratch / "ready"
        ours = {"WAREHOUSE_BROKER": broker_url, "WAREHOUSE_READY": str(self._ready)}
        self._environment: Mapping[str, str] = {**ours, **(environment or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> int:
        """Start it and wait until it is ready.

        Returns:
            The process that leads its session.
        """
        self._ready.unlink(missing_ok=True)
        os.mkfifo(self._ready)
        self._process = subprocess.Popen(
            self._command,
            cwd=PROJECT,
            env={**os.environ, **self._environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._ready.read_text()  # opens when the worker opens it for writing
        return self._process.pid

    def close(self) -> None:
        """Have it shut down warmly, and wait for its end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait()
            self._process = None
