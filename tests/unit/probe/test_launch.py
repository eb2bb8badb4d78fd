from __future__ import annotations

import os
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_celery_perf import probe
from pytest_celery_perf.probe.launch import USAGE
from pytest_celery_perf.worker.outfit import probe_alone


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest_celery_perf.probe", *arguments]
    return subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [[], ["-A", "proj"], ["-A", "proj", "beat"], ["worker", "-A", "proj"]])
def test_anything_but_a_worker_is_answered_by_the_usage(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stderr.strip()) == (2, USAGE)


def test_an_app_that_cannot_be_imported_shows_its_traceback(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("import nowhere_at_all\n")
    done = run("-A", "broken:app", "worker", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "While trying to load the module broken:app the following error occurred" in done.stderr
    assert "broken.py" in done.stderr
    assert "nowhere_at_all" in done.stderr


def test_help_is_celerys(tmp_path: Path) -> None:
    (tmp_path / "proj.py").write_text("from celery import Celery\napp = Celery()\n")
    done = run("-A", "proj", "worker", "--help", PYTHONPATH=str(tmp_path))
    assert done.returncode == 0
    assert "Usage: celery worker [OPTIONS]" in done.stdout
    assert "--max-tasks-per-child" in done.stdout


@pytest.mark.parametrize(
    ("code", "status", "said"),
    [("'refused: no DATABASE_URL'", 1, "refused: no DATABASE_URL\n"), ("3", 3, ""), ("", 0, "")],
)
def test_an_app_that_refuses_to_be_a_worker(tmp_path: Path, code: str, status: int, said: str) -> None:
    """As Python does for Celery's own command."""
    (tmp_path / "proj.py").write_text(
        "from celery import Celery, signals\n"
        "app = Celery()\n"
        "@signals.celeryd_init.connect\n"
        f"def refuse(**_): raise SystemExit({code})\n"
    )
    done = run("-A", "proj", "worker", "--pool=solo", PYTHONPATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (status, said)


def test_gevent_patches_before_anything_makes_a_lock(tmp_path: Path) -> None:
    """A lock of the module concurrent.futures that stayed native stopped all greenlets, with a gevent before 25."""
    package = tmp_path / "gevent"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "signal.py").write_text("")
    (package / "monkey.py").write_text(
        "import sys\n"
        "def patch_all():\n"
        "    makers = ('concurrent.futures', 'logging', 'queue', 'threading')\n"
        "    sys.exit(f'early: {[name for name in makers if name in sys.modules]}')\n"
    )
    done = run("-A", "proj", "worker", "--pool", "gevent", PYTHONPATH=str(tmp_path))
    assert done.stderr == "early: []\n"


def test_the_worker_command_loads_no_other(tmp_path: Path) -> None:
    (tmp_path / "proj.py").write_text(
        "import atexit, sys\n"
        "from celery import Celery\n"
        "app = Celery()\n"
        "commands = lambda: sorted(name for name in sys.modules if name.startswith(('celery.bin.', 'click_repl')))\n"
        "atexit.register(lambda: print(commands()))\n"
    )
    done = run("-A", "proj", "worker", "--help", PYTHONPATH=str(tmp_path))
    assert done.stdout.splitlines()[-1] == "['celery.bin.base', 'celery.bin.worker']"


def test_the_probe_works_without_the_rest_of_the_package(tmp_path: Path) -> None:
    alone = probe_alone(tmp_path)
    names = [module.name for module in pkgutil.iter_modules(probe.__path__) if module.name != "__main__"]
    program = (
        "import importlib, sys, pytest_celery_perf\n"
        "for name in sys.argv[1:]: importlib.import_module(f'pytest_celery_perf.probe.{name}')\n"
        "print(pytest_celery_perf.__file__)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(alone)}
    command = [sys.executable, "-c", program, *names]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert Path(done.stdout.strip()).is_relative_to(alone)
