"""Whoever compares may be killed: its arms end, and what they and it have made goes."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.gate.repository import Repository
from tests.integration.survival.camp import Camp
from tests.servers import users_redis

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="finds processes by their environment in /proc")

ROOT = Path(__file__).parents[3]
RUN = """
import sys
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from pytest_celery_perf.baseline.revision import checkout
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.runner.groundwork import Groundwork
from pytest_celery_perf.startup import Shared
from tests.integration.gate.pad import TIMEOUT_S, Pad

with ExitStack() as stack:
    ground = Groundwork()
    stack.callback(ground.close)
    here, directory = Path.cwd(), ground.rundir.path
    pad = Pad(directory, Shared(broker=sys.argv[2], turns="", notes=()), ground.guard)
    revision = stack.enter_context(checkout("HEAD", folder=here, directory=directory, guard=ground.guard))
    trees = Tree(checkout=here, path=revision.path), Tree.itself(here)
    base, head = [stack.enter_context(pad.arm(tree, "-p", "mishaps", paths=("occupied.py",))) for tree in trees]
    base.join(TIMEOUT_S)
    head.join(TIMEOUT_S)
    base.run("occupied.py::test_waits_for_its_tasks[1]")
"""


@pytest.fixture
def camp(tmp_path: Path) -> Iterator[Camp]:
    """A project in a repository, whose tasks never end."""
    camp = Camp(tmp_path / "camp")
    repository = Repository(camp.folder, create=False)
    repository.git("init", "--quiet", "--initial-branch=main")
    repository.commit({"README": ""})
    repository.git("add", ".")
    repository.git("commit", "--quiet", "--message=All")
    yield camp
    camp.burn()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_nothing_is_left(camp: Camp, tmp_path: Path, number: signal.Signals) -> None:
    with users_redis(tmp_path) as endpoint:
        process = camp.spawn(sys.executable, "-c", RUN, str(ROOT), endpoint.dump())
        camp.await_tasks(process)
        assert len(camp.processes("no:celery_perf")) == 2
        assert len(camp.directories()) == 3, "of this run, and of each arm"
        assert Repository(camp.folder, create=False).work_trees

        process.send_signal(number)

        assert process.wait(90) == -number, camp.said()
        camp.assert_abandoned()
        assert Repository(camp.folder, create=False).work_trees == []
