"""The image of a containerised worker: the user's own, or built from the user's Dockerfile."""

from __future__ import annotations

import hashlib
from contextlib import closing, suppress
from functools import cache
from pathlib import Path
from typing import Any

from pytest_celery_perf import containers
from pytest_celery_perf.errors import ConfigurationError, ContainerError, WorkerError
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
        WorkerError: It has not, and cannot.
        ContainerError: It does not say whether it has.
    """
    from docker.errors import ImageNotFound

    with containers.asking(), suppress(ImageNotFound):
        return client.images.get(image)
    try:
        with containers.asking():
            client.images.pull(image)
            return client.images.get(image)
    except ContainerError as error:
        raise WorkerError(
            f"the Docker engine has no image {image!r} and cannot pull it: {error}; "
            f"see what `docker pull {image}` says, or build it"
        ) from None


@cache
def _build(dockerfile: Path) -> str:
    """Build an image, once in a session; the engine's cache knows what has not changed since the last."""
    from testcontainers.core.docker_client import DockerClient

    tag = f"celery-perf/worker:{hashlib.sha256(str(dockerfile).encode()).hexdigest()[:12]}"
    where = {"path": str(dockerfile.parent), "dockerfile": dockerfile.name}
    with closing(DockerClient().client) as client:
        try:
            with containers.asking():
                client.images.build(**where, tag=tag, rm=True, forcerm=True)
        except ContainerError as error:
            raise WorkerError(f"{dockerfile} cannot be built: {error}{_log_of(error.__cause__)}") from None
    return tag


def _log_of(error: BaseException | None) -> str:
    from docker.errors import BuildError

    if not isinstance(error, BuildError):
        return ""
    lines = "".join(str(part.get("stream", "")) for part in error.build_log).splitlines()
    return "".join(f"\n    {line}" for line in lines[-_LINES:])
