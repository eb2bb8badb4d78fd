"""Arms are started where they belong, with what they need, and tell why if they end."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest

from pytest_celery_perf.baseline.revision import checkout
from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.gate import peer
from pytest_celery_perf.gate.channel import GateError, LateError
from pytest_celery_perf.gate.environment import Image
from pytest_celery_perf.gate.launch import examine
from pytest_celery_perf.gate.peer import Arm
from pytest_celery_perf.gate.tree import Tree, check_origins
from pytest_celery_perf.runner.groundwork import Groundwork
from tests.integration.gate.pad import TIMEOUT_S, Pad
from tests.integration.gate.repository import Repository

INI = """
[pytest]
addopts = --import-mode=importlib --strict-config --strict-markers -p no:django
pythonpath = .
required_plugins = pytest-celery-perf
celery_perf_app = shop:app
celery_perf_workers = clerk: -c 1
"""
APP = """
from celery import Celery

app = Celery("shop", broker="redis://127.0.0.1:1")


@app.task(name="sell")
def sell():
    return {version}
"""
TEST = """
import pytest
import shop

pytestmark = pytest.mark.celery_latency(p50="60s")


def test_sale(celery_perf):
    assert celery_perf.run(shop.sell, times=5).succeeded == 5


class TestReturns:
    def test_return(self):
        shop.sell.delay()
"""


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A plain Celery project with a source folder; the branch ``change`` is checked out."""
    repository = Repository(tmp_path / "shop")
    repository.commit({"pytest.ini": INI, "shop.py": APP.format(version=1), "tests/test_shop.py": TEST})
    repository.git("checkout", "--quiet", "-b", "change")
    repository.commit({"shop.py": APP.format(version=2)})
    return repository


def names(arm: Arm) -> set[str]:
    """Those of the tests that an arm offers for which the user has asked."""
    return {test.nodeid for test in arm.join(TIMEOUT_S).tests if test.selected}


def test_two_arms(shop: Repository, pad: Pad) -> None:
    head_tree = Tree.itself(shop.folder)
    with checkout("main", folder=shop.folder, directory=pad.directory, guard=pad.guard) as revision:
        base_tree = Tree(checkout=shop.folder, path=revision.path)
        with pad.arm(base_tree) as base, pad.arm(head_tree, title="the head") as head:
            of_base, of_head = base.join(TIMEOUT_S), head.join(TIMEOUT_S)
            assert of_base.app_file == str(revision.path / "shop.py")
            assert of_head.app_file == str(shop.folder / "shop.py")
            check_origins(of_base.app_file, of_head.app_file, base_tree, revision.label)
            assert [test.nodeid for test in of_base.tests] == [test.nodeid for test in of_head.tests]
            for arm in (base, head, base):
                ran = arm.run("tests/test_shop.py::test_sale")
                assert ran.complaint == ""
                assert [sample.task for sample in ran.samples] == ["sell"]
                arm.renew()
        assert "1 passed" not in base.log.read_text()


def base_of(shop: Repository, pad: Pad, *files: tuple[str, str]) -> Tree:
    """A tree beside the checkout, with what main has and these files besides."""
    tree = pad.directory / "tree"
    shop.git("worktree", "add", "--quiet", "--detach", str(tree), "main")
    for name, text in files:
        (tree / name).write_text(text)
    return Tree(checkout=shop.folder, path=tree)


def test_only_what_the_user_asked_for(shop: Repository, pad: Pad) -> None:
    tree = base_of(shop, pad)
    (tree.path / "tests" / "test_more.py").write_text(TEST)
    paths = ("tests/test_shop.py::TestReturns", "tests/test_shop.py::test_new", "tests/test_new.py")
    with pad.arm(tree, paths=paths) as arm:
        assert names(arm) == {"tests/test_shop.py::TestReturns::test_return"}


def test_it_can_run_what_nobody_asked_for(shop: Repository, pad: Pad) -> None:
    """As the other arm may know it by a name that was asked for."""
    with pad.arm(base_of(shop, pad), "-k", "nosuch") as arm:
        assert [test.selected for test in arm.join(TIMEOUT_S).tests] == [False, False]
        assert arm.run("tests/test_shop.py::test_sale").complaint == ""


def test_the_logs_of_its_workers_are_not_kept(shop: Repository, pad: Pad) -> None:
    tree = base_of(shop, pad, ("pytest.ini", INI.replace("-p no:django", "-p no:django --celery-perf-logs=kept")))
    with pad.arm(tree) as arm:
        arm.join(TIMEOUT_S)
        assert arm.run("tests/test_shop.py::test_sale").complaint == ""
    assert not (tree.path / "kept").exists()


def refusal(pad: Pad, tree: Tree) -> str:
    """What is said of an arm that has no tests to compare; it has ended."""
    with pytest.raises(GateError) as caught, pad.arm(tree) as arm:
        arm.join(TIMEOUT_S)
    return str(caught.value)


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("conftest.py", "import nosuch", "No module named 'nosuch'"),
        ("tests/test_shop.py", "import nosuch", "No module named 'nosuch'"),
        ("shop.py", "raise RuntimeError('no settings')", "no settings"),
        ("pytest.ini", "[pytest]\naddopts = --nosuch\n", "unrecognized arguments: --nosuch"),
    ],
    ids=["conftest", "tests", "app", "options"],
)
def test_a_base_that_cannot_collect(shop: Repository, pad: Pad, file: str, text: str, words: str) -> None:
    said = refusal(pad, base_of(shop, pad, (file, text)))
    assert said.startswith("the base, 1a2b3c4, ")
    assert words in said
    assert "The end of what it printed:\n" in said
    assert "no untracked files (such as .env), no submodules" in said


def test_a_base_of_which_a_file_cannot_be_collected(shop: Repository, pad: Pad) -> None:
    tree = base_of(shop, pad, ("tests/test_old.py", "import nosuch"))
    said = refusal(pad, tree)
    assert said.count("No module named 'nosuch'") == 1, "what it printed is not told twice"
    assert said.endswith("--continue-on-collection-errors compares the others.")
    with pad.arm(tree, "--continue-on-collection-errors") as arm:
        assert "tests/test_shop.py::test_sale" in names(arm)


def test_an_arm_that_dies(shop: Repository, pad: Pad) -> None:
    fatal = TEST.replace("        shop.sell.delay()", "        import os; print('the end'); os.kill(os.getpid(), 9)")
    tree = base_of(shop, pad, ("tests/test_shop.py", fatal))
    with pad.arm(tree, "-s") as arm:
        arm.join(TIMEOUT_S)
        with pytest.raises(GateError) as caught:
            arm.run("tests/test_shop.py::TestReturns::test_return")
    said = str(caught.value)
    assert "was killed by SIGKILL while it ran tests/test_shop.py::TestReturns::test_return\n" in said
    assert "the end" in said


def test_a_base_without_such_tests(shop: Repository, pad: Pad) -> None:
    with pad.arm(base_of(shop, pad), "-k", "nosuch") as arm:
        assert names(arm) == set()


def test_an_arm_that_takes_too_long(shop: Repository, pad: Pad) -> None:
    tree = base_of(shop, pad, ("conftest.py", "import signal\nsignal.pause()"))
    with (
        pytest.raises(GateError, match=r"^the base, 1a2b3c4, has not collected its tests within 0 s\n"),
        pad.arm(tree) as arm,
    ):
        arm.join(0.0)


def test_an_arm_that_collects_when_the_time_is_over(
    shop: Repository, pad: Pad, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peer, "_COLLECTING_S", 0.0)
    tree = base_of(shop, pad, ("conftest.py", "import signal\nsignal.pause()"))
    with pytest.raises(LateError) as caught, pad.arm(tree, deadline_s=time.monotonic()) as arm:
        arm.join(TIMEOUT_S)
    assert str(caught.value) == "the base, 1a2b3c4, gave no answer while it collected its tests, nor in 0 s more"


def test_an_arm_that_hangs_when_the_time_is_over(shop: Repository, pad: Pad, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long its test would take; it ends, too."""
    monkeypatch.setattr(peer, "_ANSWERING_S", 1.0)
    hang = "import pathlib, signal\n        pathlib.Path('hangs').touch()\n        signal.pause()"
    tree = base_of(shop, pad, ("tests/test_shop.py", TEST.replace("shop.sell.delay()", hang)))
    with pad.arm(tree, deadline_s=time.monotonic()) as arm:
        arm.join(TIMEOUT_S)
        with pytest.raises(LateError, match=r"gave no answer while it ran tests/.*::test_return, nor in 1 s more$"):
            arm.run("tests/test_shop.py::TestReturns::test_return")
    assert arm._runtime.peek() is not None


@pytest.mark.docker
def test_a_base_in_a_container(shop: Repository, pad: Pad, worker_image: str) -> None:
    image = examine(Image(name=worker_image), django=True, guard=pad.guard)
    assert "xdist" in image.lacking
    with closing(Groundwork()) as ground:  # as the arm in the container sees it, nobody lives there
        pad.directory = ground.rundir.path
        tree = base_of(shop, pad)
        with pad.arm(tree, environment=image) as arm:
            joined = arm.join(TIMEOUT_S)
            assert joined.app_file == str(tree.path / "shop.py")
            assert joined.environment.keys() >= {"python", "celery", "pytest", "pytest_celery_perf"}
            for _ in range(2):
                assert arm.run("tests/test_shop.py::test_sale").complaint == ""
                arm.renew()


@pytest.mark.docker
def test_a_container_that_ends(shop: Repository, pad: Pad, worker_image: str) -> None:
    tree = base_of(shop, pad, ("conftest.py", "import nosuch"))
    with pytest.raises(GateError) as caught, pad.arm(tree, environment=Image(name=worker_image)) as arm:
        arm.join(TIMEOUT_S)
    assert "exited with status 4" in str(caught.value)
    assert "No module named 'nosuch'" in str(caught.value)


@pytest.mark.docker
def test_images_that_will_not_do(pad: Pad, redis_image: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--celery-perf-base-env=image:nosuch/image:1"):
        examine(Image(name="nosuch/image:1"), django=False, guard=pad.guard)
    with pytest.raises(ConfigurationError, match="that is no Python; it said: no Python in this image"):
        examine(Image(name=redis_image), django=False, guard=pad.guard)


def test_a_directory_with_a_long_name(shop: Repository, pad: Pad) -> None:
    """A socket's address has room for some hundred bytes."""
    pad.directory /= "long" * 25
    pad.directory.mkdir()
    with pad.arm(base_of(shop, pad)) as arm:
        address = arm._listener.getsockname()
        assert len(names(arm)) == 2
    assert not Path(address).is_relative_to(pad.directory)
    assert not Path(address).parent.exists()
