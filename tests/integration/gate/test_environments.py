"""The base's own code, by another interpreter and in spite of an editable install."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import pytest_celery_perf
from pytest_celery_perf.baseline.revision import checkout
from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.gate.channel import GateError
from pytest_celery_perf.gate.environment import Python, choose
from pytest_celery_perf.gate.launch import examine
from pytest_celery_perf.gate.tree import Tree, check_origins
from tests.integration.gate.pad import OUTER, TIMEOUT_S, Pad
from tests.integration.gate.repository import Repository

INI = """
[pytest]
addopts = --import-mode=importlib -p no:django
celery_perf_app = shop:app
celery_perf_workers = clerk: -c 1
"""
APP = """
import os
from celery import Celery

app = Celery("shop")


@app.task(name="locate")
def locate():
    assert __file__.startswith(os.getcwd()), __file__
"""
TEST = """
import pytest
import shop


@pytest.mark.celery_latency(p50="60s")
def test_location(celery_perf):
    assert celery_perf.run(shop.locate, times=5).succeeded == 5
"""


@pytest.fixture
def shop(tmp_path: Path) -> Repository:
    """A project whose package lies in a source folder; the branch ``change`` is checked out."""
    repository = Repository(tmp_path / "shop")
    repository.commit({"pytest.ini": INI, "src/shop/__init__.py": APP, "tests/test_shop.py": TEST})
    repository.git("checkout", "--quiet", "-b", "change")
    repository.commit({"src/shop/__init__.py": f"{APP}\nCHANGED = True\n"})
    return repository


@pytest.fixture
def python(tmp_path: Path, shop: Repository) -> Python:
    """A virtual environment with all that this one has, in which the project is installed as editable."""
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    found = choose(str(folder))
    assert isinstance(found, Python)
    paths = sysconfig.get_paths(vars={"base": str(folder), "platbase": str(folder)})
    folders = (sysconfig.get_path("purelib"), Path(pytest_celery_perf.__file__).parents[1], shop.folder / "src")
    Path(paths["purelib"], "all.pth").write_text("\n".join(map(str, folders)))
    return found


def test_the_base_runs_its_own_code(
    shop: Repository, pad: Pad, python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though both arms have an environment in which the checkout is installed."""
    monkeypatch.setattr(sys, "path", [*sys.path, str(shop.folder / "src")])  # as the install does in this environment
    environment = examine(python, django=True, guard=pad.guard)
    with checkout("main", folder=shop.folder, directory=pad.directory, guard=pad.guard) as revision:
        trees = (Tree(checkout=shop.folder, path=revision.path), Tree.itself(shop.folder))
        for tree in trees:
            with pad.arm(tree, environment=environment) as arm:
                joined = arm.join(TIMEOUT_S)
                assert joined.app_file == str(tree.path / "src" / "shop" / "__init__.py")
                assert joined.environment["celery"]
                assert arm.run("tests/test_shop.py::test_location").complaint == ""


def test_a_base_that_runs_the_heads_code_is_refused(shop: Repository, pad: Pad, python: Python) -> None:
    """Its environment leads to the checkout, and nothing in this process tells how."""
    with checkout("main", folder=shop.folder, directory=pad.directory, guard=pad.guard) as revision:
        tree = Tree(checkout=shop.folder, path=revision.path)
        with pad.arm(tree, environment=python) as arm:
            joined = arm.join(TIMEOUT_S)
        heads = str(shop.folder / "src" / "shop" / "__init__.py")
        with pytest.raises(GateError, match=rf"imported its app from {re.escape(heads)}, which is not part of that"):
            check_origins(joined.app_file, heads, tree, revision.label)


def test_an_environment_that_lacks_something(tmp_path: Path, pad: Pad) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    with pytest.raises(ConfigurationError) as caught:
        examine(choose(str(tmp_path / "bare")), django=True, guard=pad.guard)
    said = str(caught.value)
    assert said.startswith(f"--celery-perf-base-env={tmp_path}/bare/bin/python: that environment lacks celery>=")
    assert "bin/python -m pip install 'celery[redis]>=" in said


@pytest.mark.slow
@pytest.mark.parametrize("xdist", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_pytest_in_an_environment_with_the_checkout(shop: Repository, python: Python, xdist: tuple[str, ...]) -> None:
    """Whether this process has imported the project or, as the controller of xdist, has not."""
    options = ("--celery-perf-base=main", "--celery-perf-broker=process")
    process = subprocess.run(
        [python.path, "-m", "pytest", *xdist, *options],
        cwd=shop.folder,
        env={name: value for name, value in os.environ.items() if not OUTER.match(name)},
        capture_output=True,
        text=True,
        check=False,
    )
    said = process.stdout + process.stderr
    assert process.returncode == 0, said
    assert f"{shop.git('rev-parse', '--short', 'main')} (main) → " in said
    assert "3 comparisons of 1 test: 0 FAIL" in said
    assert "BROKEN" not in said
    assert shop.work_trees == []
