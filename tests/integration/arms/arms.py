"""Starts pytest processes as arms, and tells them what to do, as the gate does."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pytest_celery_perf.gate.channel import VARIABLE, Assignment, Channel, Joined, Leave, Ran, Renew, Renewed, Run
from pytest_celery_perf.model.codec import encode
from pytest_celery_perf.startup import Shared
from tests.plugin.inner import LEAN
from tests.servers import users_redis

DEADLINE_S = 120.0
"""For what takes seconds on a machine that has nothing else to do."""
_OUTER = re.compile("(CI|BUILD_NUMBER|COLUMNS)$|PYTEST_|COV_|COVERAGE_|CELERY_PERF_(?!TEST_)|DJANGO_SETTINGS_MODULE$")


class Arm:
    """A pytest process that serves a test.

    Args:
        process: The process.
        channel: Leads to it.
        output: The file of what it prints.
    """

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel, output: Path) -> None:
        self.process = process
        self.channel = channel
        self._output = output

    @property
    def output(self) -> str:
        """What it has printed."""
        return self._output.read_text()

    def joined(self) -> Joined:
        """Return what it offers."""
        joined = self.channel.receive(Joined)
        assert joined is not None, self.output
        return joined

    def run(self, nodeid: str, *measure: str) -> Ran:
        """Have it run a test."""
        self.channel.send(Run(nodeid=nodeid, measure=measure))
        ran = self.channel.receive(Ran)
        assert ran is not None, self.output
        return ran

    def renew(self) -> None:
        """Have it go on with fresh workers."""
        self.channel.send(Renew())
        assert self.channel.receive(Renewed) is not None, self.output

    def leave(self) -> int:
        """Have it end; return its exit status."""
        self.channel.send(Leave())
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        """End it, whatever it does."""
        self.channel.close()
        try:
            self.process.wait(DEADLINE_S)
        finally:
            self.process.kill()
            self.process.wait()


class Arms:
    """The arms of a test, on one broker.

    Args:
        folder: Where sockets and logs go.
        shared: The broker.
    """

    def __init__(self, folder: Path, shared: Shared) -> None:
        self._folder = folder
        self._shared = shared
        self._started: list[Arm] = []

    def start(
        self,
        project: Path,
        *arguments: str,
        name: str = "head",
        config: Mapping[str, object] | None = None,
        cold: bool = False,
        cores: tuple[int, ...] = (),
        env: Mapping[str, str] | None = None,
    ) -> Arm:
        """Start an arm, and return when it has called.

        Args:
            project: The directory of the project.
            arguments: Of pytest.
            name: Of the arm.
            config: Celery settings that it alone has.
            cold: Whether its workers start cold.
            cores: Where its workers run.
            env: Variables that it has besides.
        """
        number = len(self._started)
        output = self._folder / f"{name}{number}.log"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(self._folder / f"{number}"))
            listener.listen()
            assignment = Assignment(
                name=name,
                address=listener.getsockname(),
                shared=self._shared.dump(),
                slot=number,
                config={key: json.dumps(value) for key, value in (config or {}).items()},
                cores=cores,
                cold=cold,
            )
            kept = {key: value for key, value in os.environ.items() if not _OUTER.match(key)}
            with output.open("wb") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", "pytest", *LEAN, *arguments],
                    cwd=project,
                    env={**kept, **(env or {}), VARIABLE: json.dumps(encode(assignment))},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            while not select.select([listener], [], [], 1.0)[0]:
                assert process.poll() is None, output.read_text()
            connection, _ = listener.accept()
        connection.settimeout(DEADLINE_S)
        self._started.append(Arm(process, Channel(connection), output))
        return self._started[-1]

    def close(self) -> None:
        """End all of them."""
        for arm in self._started:
            arm.close()


@contextmanager
def arms(folder: Path) -> Iterator[Arms]:
    """Run a broker for arms.

    Args:
        folder: Of the test.
    """
    with users_redis(folder) as endpoint:
        started = Arms(folder, Shared(broker=endpoint.dump(), turns="", notes=()))
        try:
            yield started
        finally:
            started.close()
