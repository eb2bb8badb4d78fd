"""A Redis or Valkey server as a process of this machine."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path

from pytest_celery_perf.broker import client, ports
from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.broker.binary import Binary
from pytest_celery_perf.broker.settings import APPEND_ONLY_DIRECTORY, APPEND_ONLY_FILE, DATABASES, ServerSettings
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard import Guard, signal_group, tethered

_HOST = "127.0.0.1"
_PORT_TAKEN = "Address already in use"


class ProcessServer:
    """A server on the loopback interface, in a directory and a session of its own.

    Args:
        binary: What to run.
        directory: Its working directory, made by `start` and removed by `stop`.
        guard: Ends it if we cannot.
        append_only: Whether its data shall survive `kill`.
        reason: Why a process and this binary, for people.
    """

    kind = "process"

    def __init__(
        self, binary: Binary, *, directory: Path, guard: Guard, append_only: bool = False, reason: str = ""
    ) -> None:
        self.description = f"{binary.description} ({reason})" if reason else binary.description
        self._binary = binary
        self._directory = directory
        self._guard = guard
        self._settings = ServerSettings(append_only=append_only)
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None

    @property
    def pid(self) -> int | None:
        """The server's process; None while there is none."""
        return self._process.pid if self._process else None

    def start(self) -> Endpoint:
        """Start it at the first of some random ports where it can listen.

        Raises:
            BrokerError: It ends, or does not answer, or finds no port.
        """
        self._directory.mkdir(mode=0o700, parents=True)
        for port in ports.candidates():
            if self._listens(port):
                self._port = port
                return self._endpoint(port)
        raise BrokerError(f"{self._binary.description} found no free port:\n{self._told()}")

    def kill(self, *, keep_data: bool = True) -> None:
        """SIGKILL it."""
        process, self._process = self._process, None
        if process:
            signal_group(process.pid, signal.SIGKILL)  # with the children that it forks to save data
            process.wait()
            self._guard.release_process_group(process.pid)
        if not keep_data:
            shutil.rmtree(self._directory / APPEND_ONLY_DIRECTORY, ignore_errors=True)
            (self._directory / APPEND_ONLY_FILE).unlink(missing_ok=True)

    def pause(self) -> None:
        """SIGSTOP it."""
        if self._process:
            signal_group(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT it."""
        if self._process:
            signal_group(self._process.pid, signal.SIGCONT)

    def restart(self) -> Endpoint:
        """Start it again at its port, on its data.

        Raises:
            BrokerError: It was never started, ends, or does not answer.
        """
        port = self._port
        if port is None:
            raise BrokerError(f"{self._binary.description} cannot be restarted: it was never started")
        self.kill()
        client.wait_until(lambda: self._listens(port), f"{self._binary.description} listens at port {port} again")
        return self._endpoint(port)

    def stop(self) -> None:
        """Kill it, as nothing of its data is wanted, and remove its directory."""
        self.kill()
        shutil.rmtree(self._directory, ignore_errors=True)

    def log_tail(self, lines: int) -> list[str]:
        """Return the last lines of its log."""
        try:
            return self._log.read_text(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []

    @property
    def _log(self) -> Path:
        return self._directory / "server.log"

    def _endpoint(self, port: int) -> Endpoint:
        address = self._settings.url(_HOST, port)
        return Endpoint(kind=self.kind, description=self.description, address=address, databases=DATABASES)

    def _listens(self, port: int) -> bool:
        """Start the server at a port, and wait until it answers: as only it knows the password, none other is meant.

        Returns:
            False if somebody else listens there.

        Raises:
            BrokerError: It ended for another reason, or does not answer.
        """
        process = self._spawn(port)
        try:
            client.wait_until(
                lambda: process.poll() is not None or client.answers(self._settings.url(_HOST, port)),
                f"{self._binary.description} answers at port {port}",
            )
        except BrokerError as error:
            self.kill()
            raise BrokerError(f"{error}\n{self._told()}") from None
        if process.returncode is None:
            return True
        self.kill()
        if _PORT_TAKEN in self._log.read_text(errors="replace"):
            return False
        raise BrokerError(f"{self._binary.description} ended with status {process.returncode}:\n{self._told()}")

    def _spawn(self, port: int) -> subprocess.Popen[bytes]:
        with self._log.open("wb") as log:
            process = subprocess.Popen(
                tethered([str(self._binary.path), "-"]),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._directory,
                env={**os.environ, **self._guard.environment},
                start_new_session=True,
            )
        self._process = process
        self._guard.process_group(process.pid)
        assert process.stdin is not None  # noqa: S101 - a pipe, as asked
        with contextlib.suppress(BrokenPipeError), process.stdin:  # its end is noticed by whoever waits for it
            process.stdin.write(self._settings.text(f"bind {_HOST}", f"port {port}").encode())
        return process

    def _told(self) -> str:
        return "\n".join(f"    {line}" for line in self.log_tail(10)) or "    (it logged nothing)"
