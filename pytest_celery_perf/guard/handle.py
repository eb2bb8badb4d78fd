"""pytest's side of the guard: start it, tell it what there is to clean up, and dismiss it."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from pytest_celery_perf import bare
from pytest_celery_perf.errors import GuardError
from pytest_celery_perf.guard.processes import MARK, start_time
from pytest_celery_perf.guard.resources import Container, Directory, Keys, Network, ProcessGroup, Resource, dump

_CLOSE_TIMEOUT_S = 60.0
_DEAF_TO = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT}


class Guard:
    """Promises that what is registered here is gone after pytest, however pytest ends.

    Register a thing as soon as it exists, or before; release it once it is gone. Usable from any thread.
    """

    def __init__(self) -> None:
        self.mark = secrets.token_hex(16)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._groups: dict[int, ProcessGroup] = {}

    @property
    def environment(self) -> dict[str, str]:
        """Variables for whatever is started: on Linux all that carry them are killed, registered or not.

        So nothing escapes that is killed before it could be registered, or left its group.
        """
        return {MARK: self.mark}

    @property
    def pid(self) -> int | None:
        """The guard process; None when there is none."""
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the guard process; it is ready at once, as what it is told waits in a pipe.

        Raises:
            GuardError: It could not be started.
        """
        command = bare.command("pytest_celery_perf.guard", str(os.getpid()), self.mark)
        environment = bare.environment()
        environment.pop(MARK, None)
        # Blocked rather than ignored, since a mask is inherited: no signal finds the guard unprepared.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, _DEAF_TO)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise GuardError(f"the guard process could not be started ({command[0]}): {error}") from error
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    def process_group(self, pgid: int) -> None:
        """Register a process group or session, by its leader's pid, with all descendants."""
        group = ProcessGroup(pgid, start_time(pgid))
        self._groups[pgid] = group
        self._tell("+", group)

    def release_process_group(self, pgid: int) -> None:
        """Forget a process group that has ended."""
        if group := self._groups.pop(pgid, None):
            self._tell("-", group)

    def container(self, name: str, docker_host: str | None = None) -> None:
        """Register a container by id, or by the name that it will have.

        Args:
            name: Its id or name.
            docker_host: Address of the Docker daemon; None for what the environment says.
        """
        self._tell("+", Container(name, docker_host))

    def release_container(self, name: str, docker_host: str | None = None) -> None:
        """Forget a container that was removed."""
        self._tell("-", Container(name, docker_host))

    def network(self, name: str, docker_host: str | None = None) -> None:
        """Register a network between containers, by the name that it will have.

        Args:
            name: Its name.
            docker_host: Address of the Docker daemon; None for what the environment says.
        """
        self._tell("+", Network(name, docker_host))

    def release_network(self, name: str, docker_host: str | None = None) -> None:
        """Forget a network that was removed."""
        self._tell("-", Network(name, docker_host))

    def directory(self, path: Path) -> None:
        """Register a directory, with everything in it."""
        self._tell("+", Directory(str(path.absolute())))

    def release_directory(self, path: Path) -> None:
        """Forget a directory that was removed."""
        self._tell("-", Directory(str(path.absolute())))

    def keys(self, url: str, prefix: str) -> None:
        """Register the keys under a prefix on a Redis server that is not ours.

        Raises:
            GuardError: The prefix is empty, which would mean all keys.
        """
        if not prefix:
            raise GuardError("prefix='': the keys of a server that is not ours need a prefix that is")
        self._tell("+", Keys(url, prefix))

    def release_keys(self, url: str, prefix: str) -> None:
        """Forget keys that were deleted."""
        self._tell("-", Keys(url, prefix))

    def close(self) -> tuple[str, ...]:
        """Have everything removed that is still registered, and wait for it.

        Returns:
            What could not be removed, one sentence each.

        Raises:
            GuardError: The guard does not come to an end.
        """
        process, self._process = self._process, None
        if process is None:
            return ()
        with contextlib.suppress(BrokenPipeError):
            # Not the end of the pipe alone, since a child that was forked meanwhile may hold it open.
            print("quit", file=process.stdin, flush=True)
        try:
            problems, _ = process.communicate(timeout=_CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.communicate()
            raise GuardError(f"cleaning up took longer than {_CLOSE_TIMEOUT_S:.0f}s and was given up") from error
        return tuple(problems.splitlines())

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _tell(self, sign: str, resource: Resource) -> None:
        with self._lock:
            if self._process is None or self._process.stdin is None:
                raise GuardError(f"the guard is not running: {resource} cannot be registered")
            try:
                print(f"{sign}{dump(resource)}", file=self._process.stdin, flush=True)
            except BrokenPipeError:
                status = self._process.poll()
                raise GuardError(
                    f"the guard process {self._process.pid} has ended (status {status}), so nothing would clean up "
                    "behind a killed test run: find out who killed it"
                ) from None
