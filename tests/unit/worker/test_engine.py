from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.worker import engine
from pytest_celery_perf.worker.engine import Standpoint, listening_address, locate

HOST = Standpoint(network_mode="host")
BRIDGE = Standpoint(network_mode="bridge")


def client(url: str = "http+docker://localhost", system: str = "Debian", security: tuple[str, ...] = ()) -> Any:
    info = {"OperatingSystem": system, "SecurityOptions": list(security)}
    return SimpleNamespace(api=SimpleNamespace(base_url=url), info=lambda: info)


@pytest.fixture(autouse=True)
def outside_of_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_own_container", lambda _: None)


@pytest.fixture(autouse=True)
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "sys", SimpleNamespace(platform="linux"))


def test_an_engine_of_this_machine_shares_its_network() -> None:
    assert locate(client()) == HOST


@pytest.mark.parametrize(
    ("platform", "system", "security"),
    [
        ("linux", "Docker Desktop", ()),
        ("linux", "Debian", ("name=rootless",)),
        ("darwin", "Docker Desktop", ()),
        ("darwin", "Ubuntu 24.04 LTS", ("name=apparmor",)),  # Colima
    ],
)
def test_an_engine_in_a_network_of_its_own_has_a_way_out(
    platform: str, system: str, security: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "sys", SimpleNamespace(platform=platform))
    standpoint = locate(client(system=system, security=security))
    assert standpoint.network_mode == "bridge"
    assert standpoint.extra_hosts == {"host.docker.internal": "host-gateway"}


@pytest.mark.parametrize(
    ("security", "url", "expected"),
    [
        (("name=rootless",), "redis://127.0.0.1:1/0", "use runtime='process', or an engine that runs as root"),
        (("name=rootless",), "redis://db.example:1/0", ""),
        ((), "redis://127.0.0.1:1/0", ""),
    ],
)
def test_a_rootless_engine_may_keep_a_container_from_the_loopback(
    security: tuple[str, ...], url: str, expected: str
) -> None:
    told = locate(client(security=security)).obstacle(url)
    assert expected == told.partition("issues/21986): ")[2]


def test_an_engine_on_another_machine_has_not_our_files() -> None:
    with pytest.raises(WorkerError, match="the Docker engine on builder cannot mount the folders of this machine"):
        locate(client("http://builder:2375"))


@pytest.mark.parametrize(
    ("standpoint", "url", "expected"),
    [
        (HOST, "redis://:p@127.0.0.1:1/0", "redis://:p@127.0.0.1:1/0"),
        (BRIDGE, "redis://:p@127.0.0.1:1/0", "redis://:p@host.docker.internal:1/0"),
        (BRIDGE, "redis://localhost/3", "redis://host.docker.internal/3"),
        (BRIDGE, "redis://db.example:1/0", "redis://db.example:1/0"),
    ],
)
def test_only_addresses_on_the_loopback_change(standpoint: Standpoint, url: str, expected: str) -> None:
    assert expected == standpoint.address(url)


def test_tests_in_a_container_stay_in_its_network_and_its_volumes(monkeypatch: pytest.MonkeyPatch) -> None:
    volumes = [
        {"Type": "bind", "Source": "/home/me/project", "Destination": "/app"},
        {"Type": "volume", "Source": "/var/lib/docker/volumes/tmp/_data", "Destination": "/app/tmp"},
        {"Type": "tmpfs", "Source": "", "Destination": "/run"},
    ]
    own = SimpleNamespace(id="c0ffee", attrs={"Mounts": volumes})
    monkeypatch.setattr(engine, "_own_container", lambda _: own)
    standpoint = locate(client())
    assert standpoint.network_mode == "container:c0ffee"
    assert standpoint.path(Path("/app/src")) == "/home/me/project/src"
    assert standpoint.path(Path("/app/tmp/spool")) == "/var/lib/docker/volumes/tmp/_data/spool"
    with pytest.raises(WorkerError, match=r"/run/x cannot be mounted: .*Mount the project's folder as a volume"):
        standpoint.path(Path("/run/x"))


def test_paths_outside_of_containers_are_what_they_are() -> None:
    assert HOST.path(Path("/srv/project")) == "/srv/project"


def test_a_container_that_does_not_share_the_tests_network_reaches_them_by_their_host() -> None:
    apart = HOST.apart()
    assert apart.network_mode == "bridge"
    assert apart.address("redis://:secret@127.0.0.1:6400/1") == "redis://:secret@host.docker.internal:6400/1"
    assert apart.apart() == apart


def test_tests_in_a_container_share_their_network_with_all_others() -> None:
    with pytest.raises(WorkerError, match='network="bridge" cannot be had where the tests run in a container'):
        Standpoint(network_mode="container:1f", in_container=True).apart()


@pytest.mark.parametrize(
    ("pool", "expected"),
    [
        ({"Subnet": "172.17.0.0/16", "Gateway": "172.17.0.1"}, "172.17.0.1"),
        ({"Subnet": "10.9.8.0/24", "Gateway": "10.9.8.77"}, "10.9.8.77"),  # dockerd --bip
        ({"Subnet": "172.17.0.0/16"}, "172.17.0.1"),  # an engine that was never started before
    ],
)
def test_servers_for_containers_of_another_network_listen_where_these_leave_it(
    pool: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_client = pytest.importorskip("testcontainers.core.docker_client")
    network = SimpleNamespace(attrs={"IPAM": {"Config": [pool]}})
    sdk = SimpleNamespace(
        **vars(client()), networks=SimpleNamespace(get={"bridge": network}.__getitem__), close=lambda: None
    )
    monkeypatch.setattr(docker_client, "DockerClient", lambda: SimpleNamespace(client=sdk))
    assert listening_address() == expected
