from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from .inner import LEAN, Project

COMMAND = Path(sys.executable).with_name("celery-perf")
TIMEOUT_S = 240.0


@pytest.fixture
def kitchen(tmp_path: Path) -> Path:
    return Project.copy("kitchen", tmp_path / "kitchen").folder


def ran(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CELERY_PERF_")}
    return subprocess.run(
        [COMMAND, "pools", *arguments],
        cwd=folder,
        env={**environment, "COLUMNS": "140"},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )


@pytest.mark.gevent
def test_the_fixture(tmp_path: Path) -> None:
    inner = Project.copy("kitchen", tmp_path / "kitchen", "pools").run()
    assert inner.cases.keys() == inner.passed, inner.text
    assert inner.passed


@pytest.mark.gevent
def test_the_command(kitchen: Path) -> None:
    options = ("--app=kitchen:app", "--broker=process", "--pools=prefork:2,gevent:10,solo", "--tasks=20")
    done = ran(kitchen, "kitchen.wait", *options, "--args=[0.2]", "--json=found.json")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("kitchen.wait: I/O-bound, ")
    assert [line.split()[:3] for line in lines[4:7]] == [
        [pool, "20", "20"] for pool in ("prefork:2", "gevent:10", "solo")
    ]
    assert "recommended: -P gevent -c 10" in lines
    (found,) = json.loads((kitchen / "found.json").read_text())
    assert found["profile"]["kind"] == "I/O-bound"
    assert [run["succeeded"] for run in found["runs"]] == [20, 20, 20]


def test_the_inventory(kitchen: Path) -> None:
    Project(kitchen).write(
        "test_it.py", "def test_it(celery_perf):\n    celery_perf.run('kitchen.serve', (7,), times=3)\n"
    )
    report = subprocess.run(
        [sys.executable, "-m", "pytest", *LEAN, "--celery-perf-json=run.json", "--celery-perf-workers=one: -Q stove"],
        cwd=kitchen,
        check=False,
        capture_output=True,
        text=True,
    )
    assert report.returncode == 0, report.stdout
    done = ran(kitchen, "--all", "--app=kitchen:app", "--broker=process", "--report=run.json")
    assert done.returncode == 0, done.stderr
    told = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line.startswith("kitchen.")}
    assert told.keys() == {
        f"kitchen.{name}" for name in ("wait", "burn", "stir", "freeze", "stew", "alarm", "serve", "bounded", "sip")
    }
    assert {"report"} == {cell for cell in told["kitchen.serve"] if cell in {"report", "solo"}}
    assert told["kitchen.burn"][1] == "CPU-bound"
    assert told["kitchen.burn"][-1].startswith("prefork:")
    assert told["kitchen.wait"][1] == "I/O-bound"


def test_what_needs_arguments_is_told(kitchen: Path) -> None:
    (kitchen / "tiny.py").write_text(
        "from celery import Celery\napp = Celery('tiny')\n@app.task\ndef greet(name, age=3): pass\n"
    )
    done = ran(kitchen, "--all", "--app=tiny:app", "--broker=process")
    assert "tiny.greet: missing a required argument: 'name'" in done.stdout
    assert done.returncode == 0


MISTAKES = {
    "": "name a TASK, or say --all",
    "kitchen.wait --all": "TASK and --all exclude each other",
    "kitchen.wait --report=x.json": "--report=x.json needs --all",
    "--all --report=x.json": "--report=x.json is no report of --celery-perf-json: ",
    "--all --pools=solo": "--pools=solo is not for --all",
    "kitchen.wai": "the app has no task 'kitchen.wai'; did you mean 'kitchen.wait'?",
    "kitchen.serve": "kitchen.serve cannot be called with args=[] and kwargs={}: missing a required argument: 'table'",
    "kitchen.wait --pools=": "--pools='' is no list of different pools, such as 'prefork:8,",
    "kitchen.wait --pools=gevent": "--pools: 'gevent' is neither solo nor prefork, threads or gevent with a",
    "kitchen.wait --pools=solo:3": "--pools: 'solo:3' is neither solo nor",
    "kitchen.wait --pools=solo,solo": "--pools='solo,solo' is no list of different pools, such as 'prefork:8,",
    "kitchen.wait --args={": "--args='{' is not JSON",
    "kitchen.wait --args={}": "--args='{}' is not an array, such as [1,2]",
    "kitchen.wait --kwargs=[]": "--kwargs='[]' is not an object, such as {\"user\":1}",
    "kitchen.wait --tasks=none": "--tasks='none' is not a whole number from 1",
    "kitchen.wait --timeout=soon": "--timeout='soon': expected seconds as a number",
    "kitchen.wait --broker=rabbit": "--broker='rabbit' is not auto, process, container or a redis:// URL",
    "kitchen.burn kitchen.serve": "kitchen.serve cannot be called with args=[] and kwargs={}: missing a required",
    "kitchen.wait --json=nowhere/found.json": "--json=nowhere/found.json cannot be written",
    "kitchen.wait --app=nowhere": "--app='nowhere' cannot be loaded: ModuleNotFoundError",
    "kitchen.wait --app=kitchen:burn": "--app='kitchen:burn' is no Celery app, but <@task: kitchen.burn of kitchen",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_told(kitchen: Path, arguments: str) -> None:
    done = ran(kitchen, "--app=kitchen:app", *arguments.split())
    assert f"celery-perf: error: {MISTAKES[arguments]}" in done.stderr
    assert (done.returncode, done.stdout) == (2, "")


@pytest.mark.parametrize(
    ("file", "section", "quote"),
    [
        ("pytest.ini", "pytest", ""),
        (".pytest.ini", "pytest", ""),
        ("tox.ini", "pytest", ""),
        ("setup.cfg", "tool:pytest", ""),
        ("pyproject.toml", "tool.pytest.ini_options", '"'),
    ],
)
def test_the_app_of_the_ini_file(tmp_path: Path, file: str, section: str, quote: str) -> None:
    (tmp_path / file).write_text(f"[{section}]\ncelery_perf_app = {quote}nowhere{quote}\n")
    assert f"celery_perf_app in {file}='nowhere' cannot be loaded" in ran(tmp_path, "some.task").stderr


def test_the_file_is_the_one_that_pytest_reads(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.pytest.ini_options]\ncelery_perf_app = 'first'\n")
    (tmp_path / "tox.ini").write_text("[pytest]\ncelery_perf_app = second\n")
    (folder := tmp_path / "shop").mkdir()
    assert "celery_perf_app in pyproject.toml='first' cannot be loaded" in ran(folder, "some.task").stderr


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "tox.ini").write_text("no section = 1\n")
    done = ran(tmp_path, "some.task")
    assert "celery-perf: error: pytest's ini file cannot be read: " in done.stderr
    assert done.returncode == 2
    assert "--app='nowhere' cannot be loaded" in ran(tmp_path, "some.task", "--app=nowhere").stderr


def test_no_app(tmp_path: Path) -> None:
    done = ran(tmp_path, "kitchen.wait")
    assert "--app is not given, nor is CELERY_PERF_APP set or celery_perf_app in an ini file here" in done.stderr
    assert done.returncode == 2


def test_a_server_that_does_not_answer(kitchen: Path) -> None:
    done = ran(kitchen, "kitchen.wait", "--app=kitchen:app", "--broker=redis://:secret@127.0.0.1:1/0")
    assert "celery-perf: error: --broker='redis://:***@127.0.0.1:1/0' does not answer: " in done.stderr
    assert done.returncode == 1


def test_the_apps_of_a_module_are_named(kitchen: Path) -> None:
    assert "; its Celery apps: kitchen:app\n" in ran(kitchen, "kitchen.wait", "--app=kitchen:burn").stderr


@pytest.mark.parametrize(
    ("does", "died"),
    [("os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"), ("raise SystemExit(3)", "exited with status ")],
    ids=["killed", "exits"],
)
def test_a_task_that_ends_its_worker(kitchen: Path, does: str, died: str) -> None:
    (kitchen / "deadly.py").write_text(
        "import os, signal\nfrom celery import Celery\napp = Celery('deadly', broker='redis://app.invalid:1/0')\n"
        f"@app.task\ndef leave():\n    {does}\n"
    )
    done = ran(kitchen, "deadly.leave", "--app=deadly:app", "--broker=process", "--pools=solo")
    assert re.search(rf"celery-perf: error: worker pools-solo@\S+ {died}\d* while it ran deadly\.leave; ", done.stderr)
    assert (done.returncode, done.stdout) == (1, "")


def test_a_task_that_does_not_run(kitchen: Path) -> None:
    done = ran(kitchen, "kitchen.wait", "--app=kitchen:app", "--broker=process", '--args=["long"]', "--pools=solo")
    assert "celery-perf: error: kitchen.wait does not run: 6 × TypeError: " in done.stderr
    assert (done.returncode, done.stdout) == (1, "")
