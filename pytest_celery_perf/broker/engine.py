"""Whether Docker can be used, found out quickly."""

from __future__ import annotations

import json
import os
import socket
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf import containers
from pytest_celery_perf.errors import ContainerError

if TYPE_CHECKING:
    from docker import DockerClient

_DEFAULT_SOCKET = "/var/run/docker.sock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """An answer and its reason."""

    available: bool
    reason: str
    """For people, fit to follow "Docker": ``answers and has redis:8``, ``does not answer: …``."""
    lacks_image: bool = False
    """Whether it has yet to pull the image."""


def docker_available(image: str | None = None, timeout: float = 1.0) -> Finding:
    """Find out whether Docker answers and has, or can pull, an image.

    Where there is no socket, nothing heavy is imported and the answer takes a few milliseconds.

    Args:
        image: The image; None to ask for Docker only.
        timeout: Longest wait for each of its answers, in seconds.
    """
    if lack := containers.lack():
        return Finding(available=False, reason=f"cannot be used without {lack}")
    path = _socket_path()
    if path and (problem := _unreachable(path, timeout)):
        return Finding(available=False, reason=f"does not answer at {path}: {problem}")
    return _ask(image, timeout)


@cache
def pull(image: str) -> Finding:
    """Have Docker pull an image of which it has said that it can, once in a session.

    Args:
        image: The image.

    Returns:
        Whether it is there now: a registry that tells of an image may yet be too slow, or refuse its layers.
    """
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.docker_client import DockerClient

    name = testcontainers_config.hub_image_name_prefix + image
    try:
        with containers.asking(), closing(DockerClient().client) as client:
            client.images.pull(name)
    except ContainerError as error:
        return Finding(available=False, reason=f"answers, but cannot pull {name}: {error}")
    return Finding(available=True, reason=f"answers and has pulled {name}")


def _ask(image: str | None, timeout: float) -> Finding:
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException
    from testcontainers.core.config import testcontainers_config
    from testcontainers.core.docker_client import get_docker_host

    try:
        host = get_docker_host() or ""
        environment = {**os.environ, "DOCKER_HOST": host} if host else None
        client = docker.from_env(environment=environment, timeout=timeout, use_ssh_client=host.startswith("ssh://"))
        try:
            client.ping()
            if image is None:
                return Finding(available=True, reason="answers")
            return _look_for(client, testcontainers_config.hub_image_name_prefix + image)
        finally:
            client.close()
    except (DockerException, RequestException, OSError) as error:
        return Finding(available=False, reason=f"does not answer: {error}")


def _look_for(client: DockerClient, image: str) -> Finding:
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    try:
        client.images.get(image)
    except ImageNotFound:
        try:
            client.images.get_registry_data(image)
        except (DockerException, RequestException) as error:
            why = getattr(error, "explanation", None) or error
            return Finding(available=False, reason=f"answers, but neither has {image} nor can pull it: {why}")
        return Finding(available=True, reason=f"answers and can pull {image}", lacks_image=True)
    return Finding(available=True, reason=f"answers and has {image}")


def _socket_path() -> str | None:
    """Return the path of the daemon's socket; None where the address may be another."""
    if host := os.environ.get("DOCKER_HOST"):
        return host.removeprefix("unix://") if host.startswith("unix://") else None
    return None if _configured() else _DEFAULT_SOCKET


def _configured() -> bool:
    """Whether a file or a variable may name an address, in a way that only the Docker SDK understands.

    A home that may not be read, such as root's that a dropped user still has in HOME, holds no such file for the SDK.

    Source:
        ``read_tc_properties`` in testcontainers/core/config.py asks `os.path.exists`, which raises nothing.
    """
    if "DOCKER_CONTEXT" in os.environ:
        return True
    try:
        home = Path.home()
        if (home / ".testcontainers.properties").exists():
            return True
        return "currentContext" in json.loads((home / ".docker" / "config.json").read_text())
    except (OSError, ValueError):
        return False


def _unreachable(path: str, timeout: float) -> str | None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect(path)
        except OSError as error:
            return error.strerror or str(error)
    return None
