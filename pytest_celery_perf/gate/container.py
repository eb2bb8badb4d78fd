"""A container in which an arm runs: the user's image, with the files of this machine that make it an arm."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf import containers
from pytest_celery_perf.errors import ConfigurationError, ContainerError, WorkerError
from pytest_celery_perf.gate.channel import GateError
from pytest_celery_perf.gate.command import PACKAGE
from pytest_celery_perf.gate.environment import ASK, OPTION, Image, name_of, read
from pytest_celery_perf.gate.process import Command
from pytest_celery_perf.worker.container import wait_for_end
from pytest_celery_perf.worker.engine import Standpoint, locate
from pytest_celery_perf.worker.exits import ExitWatch
from pytest_celery_perf.worker.image import fetch
from pytest_celery_perf.worker.outfit import of_the_application

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

_RUN = """
python=$(command -v python || command -v python3) || { echo "no Python in this image"; exit 127; }
exec "$python" "$@"
"""


class ContainerProcess:
    """The main process of a container; see `gate.process.Runtime`.

    Args:
        image: What to start it from.
        command: What to start; of the variables, those that tell about this machine are left out.
        places: Files and folders that it has where this machine has them.
        guard: Removes the container if we cannot.
    """

    def __init__(self, image: Image, command: Command, places: Iterable[Path], guard: containers.Guard) -> None:
        self._image = image
        self._command = command
        self._places = [*places]
        self._guard = guard
        self._name = f"celery-perf-arm-{secrets.token_hex(6)}"
        self._container: DockerContainer | None = None

    def start(self) -> ExitWatch:
        """Create and start it."""
        command = self._command
        container = _container(self._image, self._name)
        standpoint = _standpoint(container, self._image)
        mounts = {PACKAGE: "ro", **dict.fromkeys(self._places, "rw")}
        for place, mode in mounts.items():
            container.with_volume_mapping(_seen_by_the_engine(standpoint, place, self._image), str(place), mode)
        # Its user has no home in the image. In the image's /tmp, which seems to hold our run's directory, nobody would
        # seem to live in that, and it would be swept with what is mounted there.
        home = command.log.parent / "home"
        home.mkdir()
        own = {"PYTHONPATH": command.variables["PYTHONPATH"], "HOME": str(home), "TMPDIR": str(home)}
        container.with_envs(**of_the_application(command.variables), **own)
        container.with_command(["-c", f'exec >>"{command.log}" 2>&1\n{_RUN}', "sh", *command.words])
        container.with_kwargs(
            entrypoint=["sh"],
            init=True,  # the kernel spares the first process of a container when another one in it sends SIGKILL
            working_dir=str(command.folder),
            user=f"{os.getuid()}:{os.getgid()}",
            network=None,  # or testcontainers chooses one
            network_mode=standpoint.network_mode,
        )
        self._container = container
        _started(container, self._image, self._name, self._guard)
        return ExitWatch.of_call(lambda: wait_for_end(self._name))

    def peek(self) -> int | None:
        """Ask the engine how it ended."""
        return None if self._container is None else containers.exit_status(containers.state(self._container))

    def kill(self, number: int) -> None:
        """Send a signal to the main process."""
        if self._container is not None:
            containers.kill(self._container, number)

    def remove(self) -> None:
        """Remove it, with all that it wrote to its own file system."""
        container, self._container = self._container, None
        if container is not None:
            containers.remove(container, self._name, self._guard)


def ask(image: Image, guard: containers.Guard) -> dict[str, str]:
    """Return the versions of an image's Python, and of what is installed for it.

    Args:
        image: The image.
        guard: Removes the container if we cannot.

    Raises:
        ConfigurationError: It has no Python, or no container can be made of it.
    """
    name = f"celery-perf-ask-{secrets.token_hex(6)}"
    container = _container(image, name)
    container.with_kwargs(entrypoint=["sh"]).with_command(["-c", _RUN, "sh", "-c", ASK])
    try:
        _started(container, image, name, guard)
        inner = container.get_wrapped_container()
        wait_for_end(name)
        return read(inner.logs().decode(errors="replace"), image)
    except GateError as error:
        raise ConfigurationError(str(error)) from None
    finally:
        containers.remove(container, name, guard)


def _container(image: Image, name: str) -> DockerContainer:
    if lack := containers.lack():
        raise ConfigurationError(f"{OPTION}={name_of(image)} needs {lack}")
    from testcontainers.core.container import DockerContainer

    try:
        with containers.asking():
            return DockerContainer(image.name).with_name(name)
    except ContainerError as error:
        raise ConfigurationError(f"{OPTION}={name_of(image)}: Docker does not answer: {error}") from None


def _standpoint(container: DockerContainer, image: Image) -> Standpoint:
    try:
        with containers.asking():
            standpoint = locate(container.get_docker_client().client)
    except (ContainerError, WorkerError) as error:
        raise ConfigurationError(f"{OPTION}={name_of(image)}: {error}") from None
    if standpoint.network_mode == "bridge":
        raise ConfigurationError(
            f"{OPTION}={name_of(image)}: the containers of this engine (in a virtual machine, or rootless) cannot "
            "share the network and the sockets of this machine; use an interpreter, or run pytest in a container"
        )
    return standpoint


def _seen_by_the_engine(standpoint: Standpoint, place: Path, image: Image) -> str:
    try:
        return standpoint.path(place)
    except WorkerError as error:
        raise ConfigurationError(f"{OPTION}={name_of(image)}: {error}") from None


def _started(container: DockerContainer, image: Image, name: str, guard: containers.Guard) -> None:
    try:
        fetch(container.get_docker_client().client, image.name)
        containers.start(container, name, guard)
    except (ContainerError, WorkerError) as error:
        raise GateError(f"{OPTION}={name_of(image)}: no container can be made of it: {error}") from None
