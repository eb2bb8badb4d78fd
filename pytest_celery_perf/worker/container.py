"""A container in which a worker runs."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from pytest_celery_perf import containers
from pytest_celery_perf.errors import ContainerError, WorkerError
from pytest_celery_perf.worker.base import Guard, Launch
from pytest_celery_perf.worker.cgroup import CgroupFiles, CgroupMeter
from pytest_celery_perf.worker.engine import locate
from pytest_celery_perf.worker.exits import ExitWatch
from pytest_celery_perf.worker.meters import Meter
from pytest_celery_perf.worker.outfit import container_for

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer


class ContainerRuntime:
    """A container whose main process is the worker; see `Runtime`.

    Args:
        launch: What to start.
        guard: Removes the container if we cannot.
    """

    def __init__(self, launch: Launch, guard: Guard) -> None:
        self._launch = launch
        self._guard = guard
        self._name = f"celery-perf-{launch.probe.boot}"
        self._container: DockerContainer | None = None
        self._pid = 0

    def start(self) -> ExitWatch:
        """Create and start it."""
        try:
            with containers.asking():
                self._pid = self._started()
        except ContainerError as error:
            self.remove()
            raise WorkerError(f"worker {self._launch.node} could not be started in a container: {error}") from None
        return ExitWatch.of_call(lambda: wait_for_end(self._name))

    def _started(self) -> int:
        container = container_for(self._launch, self._name)
        self._container = container
        if self._launch.spec.bridge:
            containers.create_network(container, self._name, self._guard)
        containers.start(container, self._name, self._guard)
        inner = container.get_wrapped_container()
        inner.reload()
        return int(inner.attrs["State"]["Pid"])

    @property
    def pid(self) -> int:
        """The main process, as the engine's machine numbers it."""
        return self._pid

    def peek(self) -> int | None:
        """Ask the engine how it ended."""
        if self._container is None:
            return None
        state = containers.state(self._container)
        status = containers.exit_status(state)
        if status is not None and state is not None and state["OOMKilled"]:
            with self._launch.log.open("a") as log:
                log.write(
                    f"the kernel killed it, as it used more memory than memory={self._launch.spec.memory_bytes}\n"
                )
        return status

    def kill(self, number: int) -> None:
        """Send a signal to the main process, with which the whole container ends."""
        if self._container is not None:
            containers.kill(self._container, number)

    def freeze(self) -> None:
        """Pause it."""
        if self._container is not None:
            self._container.get_wrapped_container().pause()

    def thaw(self) -> None:
        """Have it go on."""
        if self._container is not None:
            self._container.get_wrapped_container().unpause()

    def unplug(self) -> None:
        """Disconnect it from its network."""
        if self._container is not None:
            inner = self._container.get_wrapped_container()
            inner.client.networks.get(self._name).disconnect(inner)

    def plug(self) -> None:
        """Connect it again, at the address it had: the first that is free, and nobody else has one there.

        With another its connections would be at an end that neither side hears of.
        """
        if self._container is not None:
            inner = self._container.get_wrapped_container()
            inner.client.networks.get(self._name).connect(inner)

    def send_signal(self, pid: int, number: int) -> bool:
        """Send a signal to a process, as the container numbers it."""
        from docker.errors import APIError

        if self._container is None:
            return False
        try:
            sent = self._container.get_wrapped_container().exec_run(["sh", "-c", f"kill -{number} {pid}"])
        except APIError:  # it has ended
            return False
        return bool(sent.exit_code == 0)

    def is_asleep(self, pid: int) -> bool:  # noqa: ARG002 - the protocol's
        """Say so always, as this machine numbers its processes otherwise."""
        return True

    def obstacle(self) -> str:
        """Ask the engine."""
        url = self._launch.probe.broker_url
        if self._container is None or url is None:
            return ""
        return locate(self._container.get_docker_client().client).obstacle(url)

    def meter(self) -> Meter | None:
        """Return what reads its control group, if that is one of this machine."""
        if self._container is None:
            raise WorkerError(f"worker {self._launch.node} was not started")
        container = self._container.get_wrapped_container().id
        files = None if container is None else CgroupFiles.of(self._pid, container)
        return None if files is None else CgroupMeter(self._pid, files)

    def remove(self) -> None:
        """Remove it with its volumes."""
        container, self._container = self._container, None
        if container is not None:
            containers.remove(container, self._name, self._guard)
            if self._launch.spec.bridge:
                containers.remove_network(container, self._name, self._guard)


def wait_for_end(name: str) -> None:
    """Return when a container has ended or is no more."""
    from docker.errors import DockerException
    from testcontainers.core.docker_client import DockerClient

    client = DockerClient().client  # of this thread's own: the SDK's sessions are not made for two
    with contextlib.closing(client), contextlib.suppress(DockerException, OSError):
        client.api.wait(name, timeout=None)
