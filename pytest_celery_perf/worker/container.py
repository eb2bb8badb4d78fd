"""A worker in a container: the user's image, with limits, on the tests' own files, broker and database."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_celery_perf import containers, probe
from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.probe.config import VARIABLE, ProbeConfig
from pytest_celery_perf.probe.faults import directory_beside
from pytest_celery_perf.worker.base import Guard, Launch, tail
from pytest_celery_perf.worker.engine import Standpoint, locate
from pytest_celery_perf.worker.exits import ExitWatch
from pytest_celery_perf.worker.image import fetch, image_of
from pytest_celery_perf.worker.options import command_options

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

_PROBE_AT = "/opt/celery-perf"
_RUN = """
python=$(command -v python || command -v python3) || { echo "no Python in this image"; exit 127; }
exec "$python" -m pytest_celery_perf.probe "$@"
"""
_OF_THE_MACHINE = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "HOSTNAME", "TERM", "TMPDIR", "VIRTUAL_ENV", "_"),
    *("PYTHON", "LD_", "DOCKER_", "TESTCONTAINERS_", "XDG_", "SSH_", "PYENV_", "CONDA_", "SSL_CERT_", "COV_"),
)
"""Beginnings of the names of variables that tell about the tests' machine, not about the application."""
_KILLED_S = 30.0


class ContainerWorker:
    """A worker that is the main process of a container.

    Args:
        launch: What to start.
        guard: Removes the container if we cannot.
    """

    def __init__(self, launch: Launch, guard: Guard) -> None:
        self._launch = launch
        self._guard = guard
        self._name = f"celery-perf-{launch.probe.boot}"
        self._container: DockerContainer | None = None
        self._watch: ExitWatch | None = None
        self._pid = 0
        self._status: int | None = None

    @property
    def launch(self) -> Launch:
        """What it was started from."""
        return self._launch

    @property
    def started_how(self) -> str:
        """Always ``cold``."""
        return self._launch.probe.started

    def start(self) -> None:
        """Start it; see `Worker.start`."""
        from docker.errors import DockerException

        try:
            container = self._make()
            self._container = container
            containers.start(container, self._name, self._guard)
        except DockerException as error:
            self._remove()
            raise WorkerError(f"worker {self._launch.node} could not be started in a container: {error}") from None
        inner = container.get_wrapped_container()
        inner.reload()
        self._pid = inner.attrs["State"]["Pid"]
        self._watch = ExitWatch.of_call(lambda: _wait(self._name))

    @property
    def pid(self) -> int:
        """The main process, as the engine's machine numbers it."""
        return self._pid

    @property
    def alive(self) -> bool:
        """Whether its main process runs."""
        return self.exit_status is None

    @property
    def exit_status(self) -> int | None:
        """None while it runs; negative for the signal that killed it."""
        from docker.errors import NotFound

        if self._status is None and self._container is not None:
            inner = self._container.get_wrapped_container()
            try:
                inner.reload()
            except NotFound:  # somebody has removed it
                self._status = -signal.SIGKILL
            else:
                self._status = self._read_status(inner.attrs["State"])
        return self._status

    @property
    def exit_fd(self) -> int:
        """Readable once the main process has ended; valid until `stop` returns."""
        if self._watch is None:
            raise WorkerError(f"worker {self._launch.node} is not running")
        return self._watch.fd

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the main process, with which the whole container ends."""
        from docker.errors import APIError

        if self._container is not None:
            with contextlib.suppress(APIError):  # it has ended
                self._container.get_wrapped_container().kill(number)

    def send_signal(self, pid: int, number: int) -> bool:
        """Send a signal to one of its processes; see `Worker.send_signal`."""
        from docker.errors import APIError

        if self._container is None:
            return False
        try:
            sent = self._container.get_wrapped_container().exec_run(["sh", "-c", f"kill -{number} {pid}"])
        except APIError:  # it has ended
            return False
        return bool(sent.exit_code == 0)

    def stop(self, grace_s: float, *, drained: bool = False) -> None:
        """Have it end, and leave nothing behind; see `Worker.stop`."""
        if self._watch is None:
            return
        if not drained and self.alive:
            self.kill(signal.SIGTERM)
            self._watch.wait(grace_s)
        self.kill()
        self._watch.wait(_KILLED_S)
        self._status = self.exit_status
        self._remove()
        self._watch.close()
        self._watch = None

    def log_tail(self, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that it printed."""
        return tail(self._launch.log, lines)

    def _make(self) -> DockerContainer:
        from testcontainers.core.container import DockerContainer

        launch = self._launch
        container = DockerContainer(image_of(launch.spec, launch.cwd))
        client = container.get_docker_client().client
        standpoint = locate(client)
        for path, at, mode in self._mounts():
            container.with_volume_mapping(standpoint.path(path), at, mode)
        options = command_options(launch.spec, launch.node)
        command = ["-c", f'exec >>"{launch.log}" 2>&1\n{_RUN}', "sh", "-A", launch.app, "worker", *options]
        container.with_name(self._name).with_command(command).with_envs(**self._variables(standpoint))
        return container.with_kwargs(
            entrypoint=["sh"],
            init=True,  # the kernel spares the first process of a container when another one in it sends SIGKILL
            working_dir=str(launch.cwd),
            network=None,  # or testcontainers chooses one
            network_mode=standpoint.network_mode,
            extra_hosts=standpoint.extra_hosts,
            **_user(client, container.image),
            **_limits(launch),
        )

    def _mounts(self) -> Iterator[tuple[Path, str, str]]:
        """Yield (path, path in the container, mode); all but the probe are where they are outside."""
        launch = self._launch
        yield probe_alone(Path(launch.probe.doorbell).parent), _PROBE_AT, "ro"
        yield launch.cwd, str(launch.cwd), "ro" if launch.read_only else "rw"
        launch.log.parent.mkdir(parents=True, exist_ok=True)
        launch.log.touch()
        for path, mode in (
            (Path(launch.probe.spool), 0o777),
            (Path(launch.probe.doorbell), 0o666),
            (Path(directory_beside(launch.probe.doorbell)), 0o777),
            (launch.log, 0o666),
        ):
            # The image may have another user. Others of this machine do not get through the folder of the run.
            path.chmod(mode)
            yield path, str(path), "rw"
        for name in launch.probe.databases.values():
            if Path(name).is_absolute():  # SQLite, which writes its journal beside it
                yield Path(name).parent, str(Path(name).parent), "rw"

    def _variables(self, standpoint: Standpoint) -> dict[str, str]:
        launch = self._launch
        variables = {name: value for name, value in launch.environment if not name.startswith(_OF_THE_MACHINE)}
        return variables | {VARIABLE: _relocated(launch.probe, standpoint).dump(), "PYTHONPATH": _PROBE_AT}

    def _read_status(self, state: Mapping[str, Any]) -> int | None:
        if state["Status"] not in {"exited", "dead"}:
            return None
        if state["OOMKilled"]:
            with self._launch.log.open("a") as log:
                log.write(
                    f"the kernel killed it, as it used more memory than memory={self._launch.spec.memory_bytes}\n"
                )
        status = int(state["ExitCode"])
        return 128 - status if status > 128 else status  # like a shell, the engine adds a signal to 128

    def _remove(self) -> None:
        container, self._container = self._container, None
        if container is not None:
            containers.remove(container, self._name, self._guard)


def probe_alone(folder: Path) -> Path:
    """Copy the probe, without the rest of the package, to where the engine finds it and any user can read it."""
    copy = folder / "probe"
    if not copy.exists():
        source = Path(probe.__file__).parent
        package = copy / source.parent.name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, package / source.name, copy_function=shutil.copyfile, ignore=ignored)
        shutil.copyfile(source.parent / "__init__.py", package / "__init__.py")
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def _relocated(config: ProbeConfig, standpoint: Standpoint) -> ProbeConfig:
    def moved(url: str | None) -> str | None:
        return None if url is None else standpoint.address(url)

    return replace(
        config,
        broker_url=moved(config.broker_url),
        result_backend=moved(config.result_backend),
        caches={alias: standpoint.address(url) for alias, url in config.caches.items()},
    )


def _user(client: Any, image: str) -> dict[str, str]:
    """Let a container whose image names no user run as the user of the tests, to whom the mounted files belong."""
    user = fetch(client, image).attrs["Config"]["User"]
    return {} if user else {"user": f"{os.getuid()}:{os.getgid()}"}


def _limits(launch: Launch) -> dict[str, int]:
    limits = {}
    if launch.spec.cpus is not None:
        limits["nano_cpus"] = round(launch.spec.cpus * 1e9)
    if launch.spec.memory_bytes is not None:
        limits["mem_limit"] = limits["memswap_limit"] = launch.spec.memory_bytes  # no swap beyond
    return limits


def _wait(name: str) -> None:
    """Return when a container has ended or is no more."""
    from docker.errors import DockerException
    from testcontainers.core.docker_client import DockerClient

    client = DockerClient().client  # of this thread's own: the SDK's sessions are not made for two
    with contextlib.closing(client), contextlib.suppress(DockerException, OSError):
        client.api.wait(name, timeout=None)
