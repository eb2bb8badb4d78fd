"""Starts and removes containers of testcontainers, with the guard in the place of its reaper."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pytest_celery_perf.errors import ContainerError

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer


OLDEST = "4.15"
"""The oldest testcontainers that we know how to use: that of the extra ``container``."""


class Guard(Protocol):
    """Whoever removes containers, and their networks, if this process is killed."""

    def container(self, name: str, docker_host: str | None = None) -> None:
        """Take over a container."""

    def release_container(self, name: str, docker_host: str | None = None) -> None:
        """Forget a container that was removed."""

    def network(self, name: str, docker_host: str | None = None) -> None:
        """Take over a network."""

    def release_network(self, name: str, docker_host: str | None = None) -> None:
        """Forget a network that was removed."""


def lack() -> str | None:
    """Tell what containers need that is not here.

    Returns:
        Its name and how to get it, fit to follow "needs" or "without"; None if all is here.

    Source:
        ``TC_GLOBAL`` in testcontainers/core/config.py: it asks for the home directory as soon as it is imported, and
        ``Path.home`` raises RuntimeError where neither HOME nor the user database tells it.
    """
    from packaging.version import Version

    remedy = "pip install 'pytest-celery-perf[container]'"
    try:
        installed = version("testcontainers")
    except PackageNotFoundError:
        return f"testcontainers: {remedy}"
    if Version(installed) < Version(OLDEST):
        return f"testcontainers {OLDEST} or newer instead of {installed}: {remedy}"
    try:
        Path.home()
    except RuntimeError:
        return "a home directory: set HOME"
    return None


def start(container: DockerContainer, name: str, guard: Guard) -> None:
    """Start a container.

    Args:
        container: It must be removed even if this fails.
        name: What it was told to be called.
        guard: Told of it by its name, as it must know it before it exists.

    Raises:
        ContainerError: The engine refuses, or breaks off: of an image that it has not, while it pulls that.
    """
    guard.container(name, _docker_host())
    with _without_reaper(), asking():
        container.start()


@contextlib.contextmanager
def asking() -> Iterator[None]:
    """Have all that can go wrong between an engine and us be one error.

    Raises:
        ContainerError: The engine refuses, is not reached, breaks off, or is silent for longer than the SDK waits.

    Source:
        docker/api/client.py: what the engine answers becomes an error of the SDK (``_raise_for_status``); where it does
        not, requests' own error is raised, and while an answer is read piecemeal (``_stream_helper``), as of a pull
        or a build, urllib3's.
    """
    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except (DockerException, RequestException, HTTPError, OSError) as error:
        raise ContainerError(getattr(error, "explanation", None) or str(error)) from error


def remove(container: DockerContainer, name: str, guard: Guard) -> None:
    """Remove a container with its volumes, if there is still one.

    Args:
        container: What `start` was given.
        name: What it is called.
        guard: Forgets it once it is gone.
    """
    # By its name, as the engine may have made it and broken off before it said so.
    if _removed(container, lambda api: api.remove_container(name, force=True, v=True)):
        guard.release_container(name, _docker_host())


def create_network(container: DockerContainer, name: str, guard: Guard) -> None:
    """Create a network for one container.

    Args:
        container: The one, not started.
        name: What to call the network; it must be removed even if this fails.
        guard: Told of it by its name, as it must know it before it exists.

    Raises:
        ContainerError: The engine refuses: it has no addresses left, maybe.
    """
    guard.network(name, _docker_host())
    with asking(), contextlib.closing(container.get_docker_client().client) as client:
        client.networks.create(name, driver="bridge")


def remove_network(container: DockerContainer, name: str, guard: Guard) -> None:
    """Remove a network, if there is still one.

    Args:
        container: What `create_network` was given, removed.
        name: What the network is called.
        guard: Forgets it once it is gone.
    """
    if _removed(container, lambda api: api.remove_network(name)):
        guard.release_network(name, _docker_host())


def _removed(container: DockerContainer, remove: Callable[[Any], object]) -> bool:
    """Ask a container's engine to remove something; if it cannot, the guard tries again at the end, and tells."""
    from docker.errors import NotFound

    client = container.get_docker_client().client
    try:
        with asking(), contextlib.closing(client), contextlib.suppress(NotFound):
            remove(client.api)
    except ContainerError:
        return False
    return True


def state(container: DockerContainer) -> Mapping[str, Any] | None:
    """Ask the engine how a container is.

    Returns:
        Its ``State``, as Docker's interface describes it; None if somebody has removed it.
    """
    from docker.errors import NotFound

    inner = container.get_wrapped_container()
    try:
        inner.reload()
    except NotFound:
        return None
    found: Mapping[str, Any] = inner.attrs["State"]
    return found


def exit_status(state: Mapping[str, Any] | None) -> int | None:
    """Return how a main process ended.

    Args:
        state: What `state` returned.

    Returns:
        None while it runs, negative for the signal that killed it.
    """
    if state is None:
        return -signal.SIGKILL
    if state["Status"] not in {"exited", "dead"}:
        return None
    status = int(state["ExitCode"])
    return 128 - status if status > 128 else status  # like a shell, the engine adds a signal to 128


def kill(container: DockerContainer, number: int) -> None:
    """Send a signal to a main process, unless it has ended."""
    from docker.errors import APIError

    with contextlib.suppress(APIError):
        container.get_wrapped_container().kill(number)


def _docker_host() -> str | None:
    from testcontainers.core.docker_client import get_docker_host

    return get_docker_host()


@contextlib.contextmanager
def _without_reaper() -> Iterator[None]:
    """Have testcontainers start no reaper: the guard does its work, without an image to pull and a second to wait."""
    from testcontainers.core.config import testcontainers_config

    before = testcontainers_config.ryuk_disabled
    testcontainers_config.ryuk_disabled = True
    try:
        yield
    finally:
        testcontainers_config.ryuk_disabled = before
