"""The warm way to start a worker: fork it from a process that has imported the app already."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.probe.processes import tether
from pytest_celery_perf.worker.base import Guard, Launch, tail
from pytest_celery_perf.worker.options import command_options

_MESSAGE_BYTES = 1 << 20
_PRELOAD_S = 120.0
"""Longer than any app takes to be imported."""
_ANSWER_S = 30.0
"""It answers within milliseconds, unless the machine is very busy."""
_SIGKILLED = -9
_OWN_VARIABLES = ("CELERY_PERF_", "PYTEST_")
"""Beginnings of the names of variables that may differ between the preloaded process and a worker."""


class Zygote:
    """This side of the preloaded process; see `pytest_celery_perf.probe.zygote` for the other.

    Args:
        app: The app as Celery's ``-A`` takes it.
        environment: All variables of the process; a worker with other ones cannot be forked from it.
        cwd: The project's directory.
        log: What it prints is appended here.
        guard: Whoever cleans up if this process is killed.
    """

    def __init__(self, *, app: str, environment: Mapping[str, str], cwd: Path, log: Path, guard: Guard) -> None:
        self._app = app
        self._environment = dict(environment)
        self._cwd = cwd
        self._log = log
        self._guard = guard
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._verdict: dict[str, Any] | None = None
        self._exits: dict[int, int] = {}

    def start(self) -> None:
        """Begin to import the app, and return at once.

        A platform without this kind of process makes it unsound, not an error.
        """
        if sys.platform != "linux":
            self._verdict = {"unsound": "only Linux forks safely from a process that has imported an app"}
            return
        self._control, remote = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with remote, self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pytest_celery_perf.probe", "zygote", str(remote.fileno()), self._app],
                env={**self._environment, **tether()},
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[remote.fileno()],
                start_new_session=True,
            )
        self._guard.process_group(self._process.pid)

    def objection(self, launch: Launch) -> str | None:
        """Tell why a worker cannot be forked, waiting until the app is imported.

        Returns:
            The reason, or None if it can.
        """
        if launch.app != self._app or launch.cwd != self._cwd:
            return f"{self._app} in {self._cwd} was preloaded"
        if changed := self.changed(launch.variables):
            return f"the variable {changed[0]} is not as it was when the app was imported"
        with self._lock:
            if self._verdict is None:
                self._verdict = self._receive(_PRELOAD_S) or {"unsound": self._no_answer()}
        reason = self._verdict.get("unsound")
        if reason is None and self._process is not None and self._process.poll() is None:
            return None
        return str(reason or "the preloaded process has ended")

    def changed(self, environment: Mapping[str, str]) -> list[str]:
        """Return the names of the variables that are not as they were when the app was imported."""
        changed = sorted(self._differences(environment))
        return [name for name in changed if not name.startswith(_OWN_VARIABLES)]

    def spawn(self, launch: Launch) -> int:
        """Fork a worker; see `Origin.spawn`."""
        job = {
            "options": command_options(launch.spec, launch.node),
            "environment": self._differences(launch.variables),
            "log": str(launch.log),
        }
        with self._lock:
            self._send(launch=job)
            return self._await("launched")

    def peek(self, pid: int) -> int | None:
        """Return how a forked worker ended; None while it runs."""
        with self._lock:
            if pid not in self._exits and _has_ended(pid):
                until = time.monotonic() + _ANSWER_S
                while pid not in self._exits and self._receive(until - time.monotonic()) is not None:
                    pass
                # Without a preloaded process the kernel has killed its workers.
                self._exits.setdefault(pid, _SIGKILLED)
            return self._exits.get(pid)

    def reap(self, pid: int) -> None:
        """Let a forked worker that has ended go."""
        with self._lock, contextlib.suppress(WorkerError):  # if the preloaded process is gone, init has done it
            self._send(reap=pid)
            self._await("reaped")

    def close(self) -> None:
        """End the preloaded process, and all that was forked from it."""
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            try:
                self._process.wait(_ANSWER_S if self._verdict else 0.0)
            except subprocess.TimeoutExpired:  # it still imports, and does not listen yet
                self._process.kill()
                self._process.wait()
            self._guard.release_process_group(self._process.pid)
        self._control = self._process = None

    def _differences(self, wanted: Mapping[str, str]) -> dict[str, str | None]:
        """Return the variables that a worker has and the preloaded process has not; None: the other way round."""
        missing = dict.fromkeys(self._environment.keys() - wanted.keys())
        return missing | {name: value for name, value in wanted.items() if self._environment.get(name) != value}

    def _send(self, **message: object) -> None:
        try:
            if self._control is None:
                raise BrokenPipeError
            self._control.send(json.dumps(message).encode())
        except OSError:
            raise WorkerError(self._no_answer()) from None

    def _await(self, key: str) -> int:
        while True:
            message = self._receive(_ANSWER_S)
            if message is None:
                raise WorkerError(self._no_answer())
            if key in message:
                return int(message[key])

    def _receive(self, timeout_s: float) -> dict[str, Any] | None:
        """Return the next message, having noted it if it tells of an exit; None if there is none in time."""
        if self._control is None:
            return None
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        if not poll.poll(max(0.0, timeout_s) * 1000):
            return None
        try:
            data = self._control.recv(_MESSAGE_BYTES)
        except ConnectionError:
            return None
        if not data:
            return None
        message: dict[str, Any] = json.loads(data)
        if "exited" in message:
            self._exits[message["exited"]] = message["status"]
        return message

    def _no_answer(self) -> str:
        last = tail(self._log, 1)
        return f"the preloaded process does not answer{f' ({last[0]})' if last else ''}"


def _has_ended(pid: int) -> bool:
    """Tell whether a process of this machine is gone or a zombie.

    Source:
        proc_pid_stat(5): the state follows the command, which is in brackets and may hold anything.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] in "ZX"
