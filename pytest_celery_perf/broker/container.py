"""A Redis or Valkey server in a container."""

from __future__ import annotations

import contextlib
import secrets
from typing import TYPE_CHECKING

from pytest_celery_perf import containers
from pytest_celery_perf.broker import client, ports
from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.broker.settings import APPEND_ONLY_DIRECTORY, APPEND_ONLY_FILE, DATABASES, ServerSettings
from pytest_celery_perf.errors import BrokerError, ContainerError
from pytest_celery_perf.guard import Guard

if TYPE_CHECKING:
    from testcontainers.community.redis import RedisContainer

DEFAULT_IMAGE = "valkey/valkey:8.1-alpine"

_PORT = 6379
_LOOPBACK = ("localhost", "127.0.0.1")
_SETTINGS = "CELERY_PERF_SERVER"
_RUN = f"""
server=$(command -v valkey-server || command -v redis-server) || {{ echo "no Redis server in this image"; exit 127; }}
exec "$server" - <<END
${_SETTINGS}
END
"""
_PORT_TAKEN = ("port is already allocated", "address already in use")


class ContainerServer:
    """A server in a container of its own, at one port of the Docker host for its whole life.

    Args:
        image: Any image with ``valkey-server`` or ``redis-server`` and a shell.
        guard: Removes the container if we cannot.
        run_id: Of this run, for the container's name.
        append_only: Whether its data shall survive `kill`.
        reason: Why a container, for people.
    """

    kind = "container"
    pid = None

    def __init__(self, image: str, *, guard: Guard, run_id: str, append_only: bool = False, reason: str = "") -> None:
        self.description = f"{image} ({reason})" if reason else image
        self._image = image
        self._guard = guard
        self._name = f"celery-perf-{run_id}-broker-{secrets.token_hex(3)}"
        self._settings = ServerSettings(append_only=append_only)
        self._container: RedisContainer | None = None
        self._port = 0

    def start(self) -> Endpoint:
        """Start it at the first of some random ports that the Docker host can give.

        Raises:
            BrokerError: Docker refuses, or the server does not answer.
        """
        for port in ports.candidates():
            if self._starts(port):
                self._port = port
                return self._answering()
        raise BrokerError(f"{self._image} found no free port on the Docker host")

    def kill(self, *, keep_data: bool = True) -> None:
        """SIGKILL it."""
        from docker.errors import APIError

        if self._container:
            container = self._container.get_wrapped_container()
            if not keep_data:  # what it writes from now on goes to files that have no name
                container.exec_run(["rm", "-rf", f"/data/{APPEND_ONLY_DIRECTORY}", f"/data/{APPEND_ONLY_FILE}"])
            with contextlib.suppress(APIError):  # it does not run
                container.kill()
            container.wait(timeout=30)

    def pause(self) -> None:
        """Freeze all of it."""
        if self._container:
            self._container.get_wrapped_container().pause()

    def resume(self) -> None:
        """Have it go on."""
        if self._container:
            self._container.get_wrapped_container().unpause()

    def restart(self) -> Endpoint:
        """Start it again at its port, on its data.

        Raises:
            BrokerError: It was never started, Docker refuses, or it does not answer.
        """
        if self._container is None:
            raise BrokerError(f"{self._image} cannot be restarted: it was never started")
        self.kill()
        try:
            with containers.asking():
                self._container.get_wrapped_container().start()
        except ContainerError as error:
            raise BrokerError(f"Docker does not start {self._name} ({self._image}) again: {error}") from error
        return self._answering()

    def stop(self) -> None:
        """Remove it with its volumes."""
        container, self._container = self._container, None
        if container:
            containers.remove(container, self._name, self._guard)

    def log_tail(self, lines: int) -> list[str]:
        """Return the last lines of its log."""
        if self._container is None:
            return []
        log: bytes = self._container.get_wrapped_container().logs(tail=lines)
        return log.decode(errors="replace").splitlines()

    def _starts(self, port: int) -> bool:
        """Create and start the container with this port.

        Returns:
            False if the port is taken.

        Raises:
            BrokerError: Docker refuses for another reason, or breaks off.
        """
        try:
            with containers.asking():
                self._container = self._make(port)
                containers.start(self._container, self._name, self._guard)
        except ContainerError as error:
            self.stop()
            if any(words in str(error) for words in _PORT_TAKEN):
                return False
            raise BrokerError(f"Docker does not start {self._image}: {error}") from error
        return True

    def _make(self, port: int) -> RedisContainer:
        from testcontainers.community.redis import RedisContainer
        from testcontainers.core.config import ConnectionMode
        from testcontainers.core.waiting_utils import WaitStrategy, WaitStrategyTarget
        from typing_extensions import override

        class AtOnce(WaitStrategy):
            """No wait: testcontainers would ask once a second, we ask more often."""

            @override
            def wait_until_ready(self, container: WaitStrategyTarget) -> None:
                pass

        container = RedisContainer(self._image, password=self._settings.password)
        container.with_command(["sh", "-c", _RUN]).with_env(_SETTINGS, self._settings.text(f"port {_PORT}"))
        container.with_name(self._name).with_kwargs(working_dir="/data").waiting_for(AtOnce())
        docker = container.get_docker_client()
        local = docker.get_connection_mode() is ConnectionMode.docker_host and docker.host() in _LOOPBACK
        # The mapping takes what the Docker SDK takes, though `with_bind_ports` knows numbers only.
        container.ports[str(_PORT)] = ("127.0.0.1", port) if local else port  # type: ignore[assignment]
        return container

    def _answering(self) -> Endpoint:
        """Wait until the server answers.

        Raises:
            BrokerError: It ended, or does not answer in time.
        """
        container = self._container
        assert container is not None  # noqa: S101 - just started
        mapped = container.get_docker_client().get_connection_mode().use_mapped_port
        address = self._settings.url(container.get_container_host_ip(), self._port if mapped else _PORT)
        try:
            client.wait_until(lambda: client.answers(address) or self._ended(), f"{self._image} answers")
        except BrokerError as error:
            raise self._give_up(str(error)) from None
        if self._ended():
            raise self._give_up(f"{self._image} ended with status {container.wait()}")
        return Endpoint(kind=self.kind, description=self.description, address=address, databases=DATABASES)

    def _give_up(self, why: str) -> BrokerError:
        told = "\n".join(f"    {line}" for line in self.log_tail(10)) or "    (it logged nothing)"
        self.stop()
        return BrokerError(f"{why}:\n{told}")

    def _ended(self) -> bool:
        assert self._container is not None  # noqa: S101 - just started
        self._container.reload()
        return self._container.status in {"exited", "dead"}
