"""The image of a containerised worker: the user's own, or built from the user's Dockerfile."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from pytest_celery_perf.errors import ConfigurationError, WorkerError
from pytest_celery_perf.model.spec import WorkerSpec

_LINES = 20


def image_of(spec: WorkerSpec, cwd: Path) -> str:
    """Return the image to run, having built it if it must be.

    Args:
        spec: Names an image or a Dockerfile.
        cwd: The project's directory, to which the Dockerfile's path is relative.

    Raises:
        ConfigurationError: It names neither, or both, or there is no such file.
        WorkerError: The build failed.
    """
    if (spec.image is None) == (spec.dockerfile is None):
        raise ConfigurationError(
            f"worker {spec.name!r}: runtime='container' needs image= or dockerfile=, and only one of them"
        )
    if spec.dockerfile is None:
        return str(spec.image)
    dockerfile = (cwd / spec.dockerfile).resolve()
    if not dockerfile.is_file():
        raise ConfigurationError(f"worker {spec.name!r}: dockerfile={spec.dockerfile!r}: there is no {dockerfile}")
    return _build(dockerfile)


def fetch(client: Any, image: str) -> Any:
    """Return an image that the engine has, or can pull.

    Args:
        client: A client of the Docker SDK.
        image: Its name.

    Raises:
        WorkerError: It is nowhere.
    """
    from docker.errors import APIError, ImageNotFound

    try:
        return client.images.get(image)
    except ImageNotFound:
        pass
    try:
        client.images.pull(image)
    except APIError as error:
        raise WorkerError(
            f"the Docker engine has no image {image!r} and cannot pull it: {error.explanation or error}"
        ) from None
    return client.images.get(image)


@cache
def _build(dockerfile: Path) -> str:
    """Build an image, once in a session; the engine's cache knows what has not changed since the last."""
    from docker.errors import APIError, BuildError
    from testcontainers.core.docker_client import DockerClient

    tag = f"celery-perf/worker:{hashlib.sha256(str(dockerfile).encode()).hexdigest()[:12]}"
    client = DockerClient().client
    try:
        client.images.build(path=str(dockerfile.parent), dockerfile=dockerfile.name, tag=tag, rm=True, forcerm=True)
    except BuildError as error:
        raise WorkerError(f"{dockerfile} cannot be built: {error.msg}\n{_last_lines(error.build_log)}") from None
    except APIError as error:
        raise WorkerError(f"{dockerfile} cannot be built: {error.explanation or error}") from None
    finally:
        client.close()
    return tag


def _last_lines(log: Any) -> str:
    lines = "".join(str(part.get("stream", "")) for part in log).splitlines()
    return "\n".join(f"    {line}" for line in lines[-_LINES:])
