"""The examples for CI are read by the readers of their formats, and their commands run."""

from __future__ import annotations

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pytest_celery_perf.report.json import load

from .inner import LEAN, TIMEOUT_S, Project

DOCUMENT = Path(__file__).parents[2] / "docs" / "ci.md"

pytestmark = pytest.mark.skipif(not DOCUMENT.exists(), reason="the documents are not beside the tests")

SUITE = """
import pytest
from office import add

@pytest.mark.celery_latency(max="1min")
def test_good():
    add.delay(1, 2)
"""


def example(file: str, language: str) -> str:
    """Return the example that begins with the name of its file."""
    (found,) = re.findall(rf"```{language}\n# {re.escape(file)}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return str(found)


def workflow(name: str) -> Any:
    return yaml.safe_load(example(name, "yaml"))


@pytest.fixture
def checkout(plain: Project) -> Project:
    """Return a repository with a commit on the main branch of its origin, and one after it."""
    tests = plain.folder / "tests" / "performance"
    tests.mkdir(parents=True)
    (tests / "test_office.py").write_text(SUITE)
    plain.ini(testpaths="tests")
    for command in (
        ["init", "--quiet"],
        ["add", "."],
        ["commit", "--quiet", "--message=main"],
        ["update-ref", "refs/remotes/origin/main", "HEAD"],
        ["commit", "--quiet", "--message=change", "--allow-empty"],
    ):
        git(plain, *command)
    return plain


def git(project: Project, *arguments: str) -> str:
    command = ["git", "-c", "user.name=nobody", "-c", "user.email=nobody@example.invalid", *arguments]
    return subprocess.run(command, cwd=project.folder, check=True, capture_output=True, text=True).stdout.strip()


def run(project: Project, command: str, **variables: str) -> str:
    """Run a line of a job as its shell does, on a comparison that ends at once."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CELERY_PERF_", "PYTEST_", "COV_"))
    }
    process = subprocess.run(
        [
            "bash",
            "-euo",
            "pipefail",
            "-c",
            f'pytest() {{ "{sys.executable}" -m pytest {" ".join(LEAN)} "$@"; }}\n{command}',
        ],
        cwd=project.folder,
        env={**kept, "CI": "true", "CELERY_PERF_BUDGET_TIME": "1s", **variables},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    assert "1 passed" in process.stdout
    return process.stdout


def base_of(report: Path) -> str:
    """Return what a test run was compared with; empty if with nothing."""
    gate = load(report.read_text()).gate
    return "" if gate is None else gate.base


def test_the_environment_of_tox(checkout: Project, tmp_path: Path) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(example("tox.ini", "ini"))
    environment = parser["testenv:performance"]
    assert "pytest-celery-perf[django,embedded]" in environment["deps"].split()
    (command,) = environment["commands"].strip().splitlines()
    command = command.replace("{env_tmp_dir}", str(tmp_path))
    command = re.sub(r"\{(?:env:\w+|posargs):([^}]*)\}", r"\1", command)
    assert "{" not in command
    run(checkout, command)
    assert base_of(tmp_path / "performance.json").startswith(git(checkout, "rev-parse", "--short=7", "origin/main"))


def test_the_job_that_compares_on_github(checkout: Project, tmp_path: Path) -> None:
    jobs = workflow(".github/workflows/performance.yml")["jobs"]
    gate = jobs["gate"]
    fetch, *_ = gate["steps"]
    assert fetch["with"] == {"fetch-depth": 0}, "the merge base must be there"
    (compare,) = (step for step in gate["steps"] if step.get("name") == "Compare")
    variables = {name: text.replace("${{ github.base_ref }}", "main") for name, text in gate["env"].items()}
    summary = tmp_path / "summary.md"
    shown = run(checkout, compare["run"], GITHUB_STEP_SUMMARY=str(summary), **variables)
    assert summary.read_text().startswith("## celery-perf: 1 test, none failed")
    assert " compared with " in summary.read_text()
    undecided = "^::warning file=tests/performance/test_office.py,line=.*celery_regression"
    assert re.search(undecided, shown, re.MULTILINE), shown
    (upload,) = (step for step in gate["steps"] if "upload-artifact" in step.get("uses", ""))
    assert upload["if"] == "always()"
    assert all((checkout.folder / path).exists() for path in upload["with"]["path"].split())
    assert base_of(checkout.folder / "performance.json") != ""


def test_the_job_that_stores_on_github(checkout: Project) -> None:
    *_, measure, store = workflow(".github/workflows/performance.yml")["jobs"]["chart"]["steps"]
    run(checkout, measure["run"])
    assert store["with"]["tool"] == "customSmallerIsBetter"
    assert (checkout.folder / store["with"]["output-file-path"]).exists()


@pytest.mark.parametrize("compared", [True, False], ids=["merge request", "main branch"])
def test_the_job_on_gitlab(checkout: Project, compared: bool) -> None:
    job = workflow(".gitlab-ci.yml")["performance"]
    assert job["variables"] == {"GIT_DEPTH": "0"}, "the base must be there"
    (command,) = job["script"]
    base = git(checkout, "rev-parse", "origin/main") if compared else ""
    run(checkout, command, CI_MERGE_REQUEST_DIFF_BASE_SHA=base)
    reports = job["artifacts"]["reports"]
    assert set(reports) == {"junit", "metrics", "codequality"}
    assert all((checkout.folder / path).exists() for path in (*reports.values(), *job["artifacts"]["paths"]))
    assert bool(base_of(checkout.folder / "performance.json")) is compared
