"""The commands that read report files, on reports of real runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from .inner import Project

COMMAND = Path(sys.executable).with_name("celery-perf")
SUITE = """\
import pytest

from library.models import Author, Book
from library.tasks import joined, publish

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def books():
    for name in "abc":
        Book.objects.create(title=name, author=Author.objects.create(name=name))


@pytest.mark.celery_queries(max=9)
def test_read(celery_perf):
    celery_perf.run(joined, times=5)


def test_write(celery_perf):
    celery_perf.run(publish, ("d",))


def test_old(celery_perf):
    celery_perf.run(publish, ("e",), times=2)
"""
GOOD, BAD = 'Book.objects.select_related("author").order_by', "Book.objects.order_by"


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the reports of a run, of the same again, of one after a change, and one of fewer queries."""
    project = Project.copy("library", tmp_path_factory.mktemp("reports") / "library")
    project.write("test_it.py", SUITE)
    for name in ("before", "again"):
        assert project.run(f"--celery-perf-json={name}.json").status == 0
    tasks = (project.folder / "library" / "tasks.py").read_text()
    project.write("library/tasks.py", tasks.replace(GOOD, BAD))
    project.write("test_it.py", SUITE.replace("test_old", "test_new"))
    assert project.run("--celery-perf-json=after.json").status == 0
    fewer = json.loads((project.folder / "again.json").read_text())
    for test in fewer["tests"]:
        for execution in test["history"]["executions"]:
            execution["queries"] = execution["queries"][1:]
    project.write("fewer.json", json.dumps(fewer))
    return project.folder


def did(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CELERY_PERF_")}
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        env={**environment, "COLUMNS": "140"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_same_code_is_the_same(reports: Path) -> None:
    done = did(reports, "compare", "before.json", "again.json")
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    lines = done.stdout.splitlines()
    assert ["library.tasks.joined", "queries", "5", "5", "="] in [line.split() for line in lines]
    assert "3 tests compared: 0 worse, 3 the same" in lines
    assert any(
        line.startswith("Times and memory are of two separate runs: they are told and not judged") for line in lines
    )


def test_more_queries_are_worse(reports: Path) -> None:
    done = did(reports, "compare", "before.json", "after.json")
    assert (1, "") == (done.returncode, done.stderr), done.stdout
    lines = done.stdout.splitlines()
    assert ["library.tasks.joined", "queries", "5", "20", "+15"] in [line.split() for line in lines]
    assert "✗ compare library.tasks.joined: queries 20, +15 queries (budget = 5)" in lines
    assert any("+15  SELECT … FROM library_author" in line and "library/tasks.py:24 joined" in line for line in lines)
    assert "RENAMED  test_it.py::test_new, before test_it.py::test_old" in lines
    assert "3 tests compared: 1 worse, 2 the same" in lines


@pytest.mark.parametrize(
    ("files", "fail_on", "status"),
    [
        ("before.json after.json", "nothing", 0),
        ("before.json after.json", "renamed", 1),
        ("again.json fewer.json", "worse", 0),
        ("again.json fewer.json", "better", 1),
        ("before.json again.json", "worse,better,new,removed,renamed,broken", 0),
    ],
)
def test_what_fails_is_the_users_choice(reports: Path, files: str, fail_on: str, status: int) -> None:
    assert status == did(reports, "compare", *files.split(), f"--fail-on={fail_on}").returncode


@pytest.mark.parametrize(("fail_on", "status"), [("worse", 2), ("nothing", 2), ("removed", 1)])
def test_what_has_nothing_to_compare_is_no_success(reports: Path, fail_on: str, status: int) -> None:
    data = json.loads((reports / "again.json").read_text())
    data["tests"] = []
    (reports / "empty.json").write_text(json.dumps(data))
    done = did(reports, "compare", "before.json", "empty.json", f"--fail-on={fail_on}")
    assert status == done.returncode, done.stdout
    assert 3 == done.stdout.count("REMOVED  test_it.py::")
    told = (
        "error: nothing was compared, since no test ran tasks and passed in both reports: A has 3 tests, B has 0 tests"
    )
    assert (told in done.stderr) is (status == 2)


def test_tests_that_fail_in_both_are_not_compared(reports: Path) -> None:
    data = json.loads((reports / "again.json").read_text())
    for test in data["tests"]:
        test["outcome"] = "failed"
    (reports / "failed.json").write_text(json.dumps(data))
    assert 2 == did(reports, "compare", "failed.json", "failed.json").returncode
    assert 1 == did(reports, "compare", "before.json", "failed.json").returncode


def test_a_comparison_for_another_program(reports: Path) -> None:
    done = did(reports, "compare", "before.json", "after.json", "--format=gitlab-codequality")
    assert done.returncode == 1
    (finding,) = json.loads(done.stdout)
    assert finding["location"]["path"] == "library/tasks.py"
    assert "queries 20, +15 queries" in finding["description"]


def test_another_environment_is_refused(reports: Path) -> None:
    text = (reports / "before.json").read_text()
    (reports / "old.json").write_text(text.replace('"celery": "5.', '"celery": "4.'))
    done = did(reports, "compare", "old.json", "again.json")
    assert (2, "") == (done.returncode, done.stdout)
    assert "error: A and B are of different environments: celery was 4." in done.stderr
    assert did(reports, "compare", "old.json", "again.json", "--across-environments").returncode == 0


def test_a_report_is_shown_again(reports: Path) -> None:
    done = did(reports, "show", "after.json")
    assert (0, "") == (done.returncode, done.stderr)
    lines = done.stdout.splitlines()
    assert lines[0].endswith(": 3 tests")
    assert any(line.split()[:4] == ["library.tasks.joined", "5", "5", "5"] for line in lines)
    assert "✓ celery_queries  library.tasks.joined  queries 4 ≤ 9" in lines


def test_a_report_without_records_is_shown_by_test(reports: Path) -> None:
    data = json.loads((reports / "again.json").read_text())
    data["mode"] = "aggregates"
    for test in data["tests"]:
        for part in ("publications", "executions", "points"):
            del test["history"][part]
    (reports / "brief.json").write_text(json.dumps(data))
    shown = did(reports, "show", "brief.json").stdout.splitlines()
    assert any(line.startswith("library.tasks.joined in test_it.py::test_read ") for line in shown)
    refused = did(reports, "compare", "before.json", "brief.json")
    assert "brief.json has no records: write it without --celery-perf-json-detail=aggregates" in refused.stderr
    assert refused.returncode == 2


def test_a_report_in_another_format(reports: Path) -> None:
    done = did(reports, "show", "again.json", "--format=gitlab-metrics")
    assert done.returncode == 0
    assert 'celery_perf_tests{outcome="passed"} 3' in done.stdout.splitlines()
    assert json.loads((reports / "again.json").read_text()) == json.loads(
        did(reports, "show", "again.json", "--format=json").stdout
    )


MISTAKES = {
    "show nowhere.json": "REPORT=nowhere.json is no report of --celery-perf-json: ",
    "show test_it.py": "REPORT=test_it.py is no report of --celery-perf-json: ",
    "show again.json --format=xml": "--format='xml' is neither text nor one of json, pytest-benchmark, ",
    "compare again.json nowhere.json": "B=nowhere.json is no report of --celery-perf-json: ",
    "compare nowhere.json again.json": "A=nowhere.json is no report of --celery-perf-json: ",
    "compare again.json again.json --fail-on=slower": "--fail-on='slower': 'slower' is not one of worse, better, new, ",
    "compare again.json again.json --format=": "--format='' is neither text nor one of json, ",
}


@pytest.mark.parametrize("arguments", MISTAKES)
def test_a_mistake_is_told(reports: Path, arguments: str) -> None:
    done = did(reports, *arguments.split())
    assert f"celery-perf: error: {MISTAKES[arguments]}" in done.stderr
    assert (2, "") == (done.returncode, done.stdout)


@pytest.mark.parametrize("form", ["json", "gitlab-codequality"])  # much, and little
def test_a_reader_that_has_read_enough_is_no_mistake(reports: Path, form: str) -> None:
    with subprocess.Popen(
        [COMMAND, "show", "again.json", f"--format={form}"], cwd=reports, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 128 + signal.SIGPIPE
