"""Runs are stored, compared with, and refused: by pytest itself, and by the command that shows them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pytest_celery_perf.baseline.history import append, stored_runs
from pytest_celery_perf.model.baseline import StoredRun

from .inner import Inner, Project

COMMAND = Path(sys.executable).with_name("celery-perf")
HISTORY = "perf-history"
SUITE = """\
import pytest


def test_burn(celery_perf):
    celery_perf.run("kitchen.burn", (0.02,), times=6)


@pytest.mark.celery_regression(metrics=())
def test_wait(celery_perf):
    celery_perf.run("kitchen.wait", (0.01,), times=2)
"""
TASTE = """\


@app.task(bind=True)
def taste(self) -> None:
    if not self.request.retries:
        raise self.retry(countdown=0)
"""
ENDS = """\
def test_several(celery_perf):
    celery_perf.run("kitchen.wait", (0.01,), times=3)
    celery_perf.run("kitchen.wait", ("x",), times=2)
    celery_perf.run("kitchen.taste", times=3)
"""
METRICS = ("runtime", "cpu", "tasks", "succeeded", "executions", "retries")
BURN, STORED = "test_it.py::test_burn", f"--celery-perf-baseline={HISTORY}"


@pytest.fixture
def kitchen(tmp_path: Path) -> Project:
    """Return a project whose directory of stored runs is not there yet."""
    return made(tmp_path)


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a project with a run that was really stored."""
    project = made(tmp_path_factory.mktemp("stock"))
    saved(project)
    return project.folder


@pytest.fixture
def stocked(stock: Path, tmp_path: Path) -> Project:
    """Return a project of one's own with that run."""
    return Project(Path(shutil.copytree(stock, tmp_path / "kitchen")))


def made(folder: Path) -> Project:
    project = Project.copy("kitchen", folder / "kitchen")
    project.ini(celery_perf_workers="one: -Q stove -c 1")
    project.write("test_it.py", SUITE)
    return project


def saved(project: Project, *arguments: str) -> StoredRun:
    """Store a run, and return it."""
    inner = project.run(STORED, "--celery-perf-baseline-save", *arguments)
    assert inner.status == 0, inner.text
    assert f"stored: {HISTORY}/" in inner.text
    return stored_runs(project.folder / HISTORY)[-1]


def runs_like(run: StoredRun, project: Project, *, differ: float = 0.0, **factors: float) -> None:
    """Store 20 such runs instead, of a machine as fast as this one was: without chance, what is found is decided."""
    count = 20
    shutil.rmtree(project.folder / HISTORY)
    began = datetime.fromisoformat(run.created) - timedelta(days=count)
    for day in range(count):
        figures = tuple(
            replace(each, value=each.value * factors.get(each.metric, 1.0) * (1 + differ * (-1) ** day))
            for each in run.figures
        )
        created = (began + timedelta(days=day)).isoformat()
        append(project.folder / HISTORY, replace(run, created=created, figures=figures))


def shown(project: Project, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CELERY_PERF_")}
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=project.folder,
        env={**environment, "COLUMNS": "140"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def run_of(project: Project) -> StoredRun:
    (run,) = stored_runs(project.folder / HISTORY)
    return run


def verdict_of(inner: Inner) -> str:
    return inner.cases["test_burn"].properties["celery_baseline[kitchen.burn]"]


def test_a_run_is_stored_and_shown(kitchen: Project) -> None:
    inner = kitchen.run(STORED, "--celery-perf-baseline-save")
    assert inner.status == 0, inner.text
    assert f"{HISTORY} holds no run to compare with" in inner.text
    (run,) = stored_runs(kitchen.folder / HISTORY)
    assert {each.metric for each in run.figures if each.test == BURN} == {*METRICS}
    assert {"python", "celery", "redis", "cores", "workers", "measure", "processes"} <= {*run.environment}
    again = kitchen.run(STORED, "-k", "burn")
    assert verdict_of(again) == "INCONCLUSIVE: runtime not decided: not enough stored runs, 1 of at least 5"
    assert again.status == 0
    assert stored_runs(kitchen.folder / HISTORY) == (run,)
    told = shown(kitchen, "history", HISTORY, "kitchen.burn")
    assert told.returncode == 0, told.stderr
    assert [line.split()[:3] for line in told.stdout.splitlines() if line.startswith("kitchen.burn")] == [
        ["kitchen.burn", metric, "1"] for metric in METRICS
    ]


@pytest.mark.slow
def test_a_task_that_is_twice_as_slow_never_passes(kitchen: Project) -> None:
    """It fails, or where this machine wavers too much for five runs, nothing is decided."""
    for _ in range(5):
        kitchen.run(STORED, "--celery-perf-baseline-save", "-k", "burn")
    kitchen.write("test_it.py", SUITE.replace("(0.02,)", "(0.04,)"))
    slower = kitchen.run(STORED, "-k", "burn")
    assert verdict_of(slower).startswith(("FAIL: ", "INCONCLUSIVE: ")), slower.text


def test_a_task_that_computes_ten_times_as_much_is_found(stocked: Project) -> None:
    runs_like(run_of(stocked), stocked)
    stocked.write("test_it.py", SUITE.replace("(0.02,)", "(0.2,)"))
    slower = stocked.run(STORED, "--celery-perf-baseline-save")
    assert slower.status == 1, slower.text
    assert not slower.lacks(
        "test_burn",
        "✗ celery_baseline kitchen.burn: ",
        "stored runs differ by 0 %",
        f"remove the files of {HISTORY}, and store new runs with --celery-perf-baseline-save",
    )
    assert "not stored: a run with a failure is no baseline" in slower.text
    assert verdict_of(slower).startswith("FAIL: ")
    assert len(stored_runs(stocked.folder / HISTORY)) == 20


def test_where_the_stored_runs_differ_by_much_nothing_fails(stocked: Project) -> None:
    runs_like(run_of(stocked), stocked, differ=0.2)
    stocked.write("test_it.py", SUITE.replace("(0.02,)", "(1.0,)"))
    slower = stocked.run(STORED, "-k", "burn")
    assert slower.status == 0, slower.text
    assert "advice only: 20 stored runs differ by " in verdict_of(slower)


def test_another_environment_is_refused_by_name(stocked: Project) -> None:
    runs_like(run_of(stocked), stocked)
    inner = stocked.run(STORED, "--celery-perf-workers=one: -Q stove -c 2")
    assert inner.status == 0, inner.text
    refusal = (
        "not compared: the 20 stored runs are of other environments; of the newest, workers was one: -Q stove -c 1 and "
        "is one: -Q stove -c 2"
    )
    assert refusal in verdict_of(inner)
    assert f"{HISTORY}: {refusal}" in inner.text


def test_a_failing_run_is_no_baseline(kitchen: Project) -> None:
    kitchen.write("test_more.py", "def test_wrong():\n    assert False\n")
    inner = kitchen.run(STORED, "--celery-perf-baseline-save")
    assert inner.status == 1
    assert "not stored: a run with a failure is no baseline" in inner.text
    assert stored_runs(kitchen.folder / HISTORY) == ()


def test_a_test_with_several_ends_is_stored_and_compared(kitchen: Project) -> None:
    kitchen.write("kitchen.py", (kitchen.folder / "kitchen.py").read_text() + TASTE)
    kitchen.write("test_it.py", ENDS)
    run = saved(kitchen)
    assert {"", "failed", "retried"} == {each.end for each in run.figures if each.metric == "runtime"}
    runs_like(run, kitchen, differ=0.2)
    again = kitchen.run(STORED, "--celery-perf-baseline-save")
    assert again.status == 0, again.text
    assert "not enough stored runs" not in again.text
    assert len(stored_runs(kitchen.folder / HISTORY)) == 21
    told = shown(kitchen, "history", HISTORY)
    assert (0, 2) == (told.returncode, told.stdout.count("runtime (")), told.stdout


def test_tasks_that_fail_now_neither_pass_nor_are_stored(stocked: Project) -> None:
    runs_like(run_of(stocked), stocked)
    stocked.write("test_it.py", SUITE.replace("(0.02,)", "('x',)"))
    failing = stocked.run(STORED, "--celery-perf-baseline-save")
    assert failing.status == 1, failing.text
    assert verdict_of(failing).startswith("FAIL: unsuccessful tasks 100 % (6 of 6) (budget ≤ 0 %, "), failing.text
    assert len(stored_runs(stocked.folder / HISTORY)) == 20


def test_a_run_with_more_failures_than_a_few_stored_ones_had_is_not_stored(stocked: Project) -> None:
    stocked.write("test_it.py", SUITE.replace("(0.02,)", "('x',)"))
    failing = stocked.run(STORED, "--celery-perf-baseline-save")
    assert failing.status == 0, failing.text
    assert verdict_of(failing).startswith("INCONCLUSIVE: unsuccessful tasks not decided: 6 of 6; 0 % in 1 stored run")
    assert (
        f"not stored: more of kitchen.burn came to nothing in {BURN} than before, 6 of 6; 0 % in 1 stored run: mend "
        f"them or, where it is meant, begin anew: remove the files of {HISTORY}"
    ) in failing.text
    run_of(stocked)


def test_a_run_of_two_processes_is_stored_and_compared(kitchen: Project) -> None:
    run = saved(kitchen, "-n2")
    assert run.environment["processes"] == "2"
    assert {each.test for each in run.figures} == {BURN, "test_it.py::test_wait"}
    runs_like(run, kitchen, cpu=0.1, runtime=0.1)
    inner = kitchen.run(STORED, "-n2")
    assert inner.status == 1, inner.text
    assert verdict_of(inner).startswith("FAIL: ")


def test_stored_runs_that_are_none_are_refused_before_any_test_runs(kitchen: Project) -> None:
    (kitchen.folder / HISTORY).mkdir()
    (kitchen.folder / HISTORY / "run.jsonl").write_text("<<<<<<< ours\n")
    for more in ((), ("-n2",)):
        inner = kitchen.run(STORED, *more)
        assert (4, {}) == (inner.status, inner.cases), inner.text
        assert f"{HISTORY}/run.jsonl, line 1: it is no JSON that can be read: " in inner.text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--celery-perf-baseline-save",), "celery_perf_baseline does not say where to store the run"),
        (("--celery-perf-baseline=test_it.py",), "celery_perf_baseline: test_it.py is no directory"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused(kitchen: Project, arguments: tuple[str, ...], told: str) -> None:
    inner = kitchen.run(*arguments)
    assert (4, {}) == (inner.status, inner.cases)
    assert told in inner.text


def test_a_place_to_store_that_cannot_be_written_is_refused_before_any_test_runs(kitchen: Project) -> None:
    folder = kitchen.folder / "read_only"
    folder.mkdir(mode=0o555)
    for place, told in {
        "pytest.ini/runs": f"{kitchen.folder}/pytest.ini is no directory; name another directory",
        "read_only": f"this user may not write to {folder}; name another directory",
        "read_only/runs": f"this user may not write to {folder}; name another directory",
    }.items():
        inner = kitchen.run(f"--celery-perf-baseline={place}", "--celery-perf-baseline-save", bound=True)
        assert (4, {}) == (inner.status, inner.cases), inner.text
        assert f"celery_perf_baseline: {kitchen.folder / place} cannot be written: {told}" in inner.text
    assert kitchen.run("--celery-perf-baseline=read_only", "-k", "wait", bound=True).passed == {"test_wait"}


def test_a_run_that_cannot_be_stored_in_the_end_fails(kitchen: Project) -> None:
    kitchen.write("conftest.py", f"def pytest_runtest_teardown():\n    open('{HISTORY}', 'a').close()\n")
    inner = kitchen.run(STORED, "--celery-perf-baseline-save", "-k", "wait")
    assert (1, {"test_wait"}) == (inner.status, inner.passed)
    assert f"ERROR: not stored: the run cannot be stored in {kitchen.folder / HISTORY}: [Errno 17] " in inner.text
    assert "1 passed, 1 deselected in " in inner.text
    assert "Traceback" not in inner.text


# -- the commands --------------------------------------------------------------------------


def test_the_command_tells_how_fast_the_machine_is(kitchen: Project) -> None:
    told = shown(kitchen, "calibrate")
    assert (0, "") == (told.returncode, told.stderr)
    assert "The smallest slowdown that stored runs tell from chance:" in told.stdout
    assert ["5", "%", "+48", "%", "+25", "%", "+20", "%"] in [line.split() for line in told.stdout.splitlines()]
    found = json.loads(shown(kitchen, "calibrate", "--json").stdout)
    assert found["calibration"]["wall_s"] >= found["calibration"]["cpu_s"] * 0.9
    assert found["calibration"]["repetitions"] == 40


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("history", "nowhere"), "nowhere holds no run: --celery-perf-baseline-save stores them"),
        (("history", HISTORY, "kitchen.bur"), "have no task 'kitchen.bur'; did you mean 'kitchen.burn'?"),
    ],
)
def test_a_history_that_is_not_there(stocked: Project, arguments: tuple[str, ...], told: str) -> None:
    done = shown(stocked, *arguments)
    assert told in done.stderr
    assert (2, "") == (done.returncode, done.stdout)


def test_a_history_that_cannot_be_read_is_a_wrong_argument(kitchen: Project) -> None:
    (kitchen.folder / HISTORY).mkdir()
    (kitchen.folder / HISTORY / "run.jsonl").write_text("<<<<<<< ours\n")
    done = shown(kitchen, "history", HISTORY)
    assert "run.jsonl, line 1: it is no JSON that can be read: " in done.stderr
    assert (2, "") == (done.returncode, done.stdout)
