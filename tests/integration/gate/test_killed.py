"""Whoever compares may be killed: its arms end, and what they and it have made goes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.gate.repository import Repository
from tests.integration.survival.camp import Camp

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by their environment in /proc")


@pytest.fixture
def camp(tmp_path: Path) -> Iterator[Camp]:
    """A project in a repository, whose tasks never end."""
    camp = Camp(tmp_path)
    repository = Repository(camp.folder, create=False)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.git("add", ".")
    repository.git("commit", "--quiet", "--message=All")
    yield camp
    camp.burn()


@pytest.mark.parametrize(
    ("number", "status"),
    [
        (signal.SIGINT, pytest.ExitCode.INTERRUPTED),
        (signal.SIGTERM, -signal.SIGTERM),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
    ids=["interrupt", "terminate", "kill"],
)
@pytest.mark.parametrize("xdist", [(), ("-p", "xdist", "-n", "2")], ids=["alone", "xdist"])
def test_nothing_is_left(camp: Camp, number: signal.Signals, status: int, xdist: tuple[str, ...]) -> None:
    repository = Repository(camp.folder, create=False)
    process = camp.start_busy(*xdist, "occupied.py", "-k", "waits", "--celery-perf-base=HEAD")
    assert len(camp.processes("no:celery_perf")) == 2, "an arm runs the first test"
    assert len(repository.work_trees) == 1

    process.send_signal(number)

    assert process.wait(90) == status, camp.said()
    camp.assert_abandoned()
    camp.until(lambda: not repository.work_trees, "no work tree is left")


@pytest.mark.docker
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_container_is_left(camp: Camp, docker_client: Any, worker_image: str, number: signal.Signals) -> None:
    process = camp.start_busy("occupied.py", "-k", "1", f"--celery-perf-base-env=image:{worker_image}")
    assert len(containers(docker_client, camp)) == 1

    process.send_signal(number)

    process.wait(90)
    camp.until(lambda: not containers(docker_client, camp), "no container is left")
    camp.assert_abandoned()


def containers(client: Any, camp: Camp) -> list[str]:
    """The containers that inherit the variable of a camp's processes."""
    there = client.containers.list(all=True, ignore_removed=True)
    # Those of others may have no variables at all.
    return [each.name for each in there if any(word.endswith(camp.token) for word in each.attrs["Config"]["Env"] or ())]
