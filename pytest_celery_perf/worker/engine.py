"""Where the tests stand as the Docker engine sees them: its networks, its file system.

What runs in a container must reach servers on the tests' loopback and files at the tests' paths.
"""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pytest_celery_perf import containers
from pytest_celery_perf.errors import ContainerError, WorkerError

_OWN_ID = re.compile(r"/containers/([0-9a-f]{64})/")
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_GATEWAY = "host.docker.internal"
BRIDGE = "bridge"
"""The engine's own network, which every engine has."""
_ROOTLESS = (
    "a rootless engine keeps its containers from servers on this machine's loopback, unless it was told to let them "
    "through (https://github.com/docker/docs/issues/21986): use runtime='process', or an engine that runs as root"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standpoint:
    """How a container can be where the tests are."""

    network_mode: str
    """``host``, ``container:<id>`` of the tests' own container, or ``bridge``."""
    mounts: tuple[tuple[str, str], ...] = ()
    """(path here, path on the engine's machine) of the tests' own container; empty where they are the same."""
    in_container: bool = False
    rootless: bool = False
    """Whether the engine runs without root's rights."""

    @property
    def extra_hosts(self) -> dict[str, str]:
        """Host names that a container must be given."""
        return {_GATEWAY: "host-gateway"} if self.network_mode == "bridge" else {}

    def address(self, url: str) -> str:
        """Return the URL by which a container reaches a server that the tests reach by another."""
        parts = urlsplit(url)
        if self.network_mode != "bridge" or parts.hostname not in _LOOPBACK:
            return url
        user, at, host = parts.netloc.rpartition("@")
        port = f":{parts.port}" if parts.port else ""
        return parts._replace(netloc=f"{user}{at}{_GATEWAY}{port}").geturl() if host else url

    def obstacle(self, url: str) -> str:
        """Say what may keep a container from a server that the tests reach by a URL; empty if nothing may."""
        return _ROOTLESS if self.rootless and self.address(url) != url else ""

    def apart(self) -> Standpoint:
        """Return what this is for a container that does not share the network of the tests.

        Raises:
            WorkerError: The tests run in a container, whose servers only those reach that share its network.
        """
        if self.in_container:
            raise WorkerError('network="bridge" cannot be had where the tests run in a container themselves')
        return replace(self, network_mode=BRIDGE)

    def path(self, path: Path) -> str:
        """Return where the engine finds a file of the tests.

        Raises:
            WorkerError: The tests run in a container and the file is in none of its volumes.
        """
        if not self.in_container:
            return str(path)
        for here, there in sorted(self.mounts, key=lambda mount: len(mount[0]), reverse=True):
            if path.is_relative_to(here):
                return str(Path(there) / path.relative_to(here))
        raise WorkerError(
            f"{path} cannot be mounted: the tests run in a container, and it is in none of its volumes. Mount the "
            "project's folder as a volume, and let TMPDIR name a folder in a volume"
        )


def locate(client: Any) -> Standpoint:
    """Find out where the tests stand.

    Args:
        client: A client of the Docker SDK.

    Raises:
        WorkerError: The engine runs on another machine, which has not the tests' files.

    Source:
        Elsewhere than on Linux each engine (Docker Desktop, Colima, OrbStack, Rancher Desktop, a Podman machine) has a
        virtual machine, whose network ``host`` is. Rootless ones have a network of their own, and by default no way
        out of it to the loopback: https://github.com/docker/docs/issues/21986
    """
    if own := _own_container(client):
        volumes = own.attrs["Mounts"]
        mounts = tuple((volume["Destination"], volume["Source"]) for volume in volumes if volume["Type"] == "bind")
        named = tuple((volume["Destination"], volume["Source"]) for volume in volumes if volume["Type"] == "volume")
        return Standpoint(network_mode=f"container:{own.id}", mounts=mounts + named, in_container=True)
    host = urlsplit(client.api.base_url).hostname
    if host not in _LOOPBACK | {"localunixsocket", None}:
        raise WorkerError(
            f"the Docker engine on {host} cannot mount the folders of this machine: "
            "use runtime='process', or an engine on this machine"
        )
    info = client.info()
    rootless = any("rootless" in option for option in info["SecurityOptions"] or ())
    apart = sys.platform != "linux" or info["OperatingSystem"] == "Docker Desktop" or rootless
    return Standpoint(network_mode=BRIDGE if apart else "host", rootless=rootless)


def listening_address() -> str:
    """Return where a server of the tests must listen for containers that do not share the tests' network.

    Raises:
        WorkerError: The engine does not answer, or has no such containers.
    """
    if lack := containers.lack():
        raise WorkerError(f'network="bridge" needs {lack}')
    from testcontainers.core.docker_client import DockerClient

    try:
        with containers.asking(), closing(DockerClient().client) as client:
            standpoint = locate(client)
            if standpoint.apart() == standpoint:
                return "127.0.0.1"  # the engine is apart, too, and leads its containers there
            return _gateway(client.networks.get(BRIDGE).attrs["IPAM"]["Config"][0])
    except ContainerError as error:
        raise WorkerError(f'network="bridge": Docker does not answer: {error}') from None


def _gateway(pool: Mapping[str, str]) -> str:
    """Return the address that the engine's machine has among those of a network.

    An engine that was never started before does not tell it, unless it was told it: it has taken the first address.

    Source: https://github.com/moby/moby/issues/26799
    """
    return pool.get("Gateway") or str(next(ip_network(pool["Subnet"]).hosts()))


def _own_container(client: Any) -> Any:
    """Return the container in which this process runs; None if there is none, or the engine does not know it."""
    from docker.errors import NotFound

    if not Path("/.dockerenv").exists():
        return None
    match = _OWN_ID.search(Path("/proc/self/mountinfo").read_text())
    try:
        return client.containers.get(match[1] if match else socket.gethostname())
    except NotFound:
        return None
