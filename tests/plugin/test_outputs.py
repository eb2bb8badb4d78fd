"""All reports of one test run tell of the same failures: terminal, JUnit, JSON, and each format for other programs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Properties, Skipped
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pytest_celery_perf.model.formats import FormatName
from pytest_celery_perf.report.json import load

from .inner import RERUNNING, Inner, Project

SUITE = """
import pytest
from office import add

pytestmark = pytest.mark.celery_latency(max="1min")

def test_good():
    add.delay(1, 2)

@pytest.mark.celery_throughput(min="1000000000/s")
@pytest.mark.celery_latency(max="1ns")
@pytest.mark.parametrize("of", ["a|b", "100%, `x`: #1"])
def test_slow(of):
    add.delay(1, 2)

def test_fails_by_itself():
    add.delay(1, 2)
    raise AssertionError("of its own")

@pytest.mark.xfail(reason="known")
@pytest.mark.celery_latency(max="1ns")
def test_expected():
    add.delay(1, 2)

@pytest.mark.skip
def test_left_out():
    add.delay(1, 2)

@pytest.fixture
def broken():
    raise OSError("no set-up")

def test_without_set_up(broken):
    add.delay(1, 2)

@pytest.fixture
def torn():
    yield
    raise OSError("no teardown")

def test_without_teardown(torn):
    add.delay(1, 2)
"""
PASSED = {"test_good"}
FAILED = {
    "test_slow[a|b]",
    "test_slow[100%, `x`: #1]",
    "test_fails_by_itself",
    "test_without_set_up",
    "test_without_teardown",
}
JUDGED = {name for name in FAILED if name.startswith("test_slow")}
"""Those that fail for a verdict; each of them for two."""

FILES = {format_: f"{format_}.out" for format_ in FormatName}


@pytest.fixture(scope="module", params=["0", "2"], ids=["alone", "xdist"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Inner, Path]:
    project = Project.copy("plain", tmp_path_factory.mktemp("outputs") / "plain")
    project.write("test_suite.py", SUITE)
    (project.folder / ".git").mkdir()
    outputs = [f"--celery-perf-output={format_}:{file}" for format_, file in FILES.items()]
    summary = project.write("summary.md", "what an earlier command of the step said\n")
    inner = project.run(
        "-n",
        request.param,
        "--celery-perf-json=report.json",
        "--celery-perf-output=github-annotations",
        "--celery-perf-output=github-summary",
        *outputs,
        env={"GITHUB_STEP_SUMMARY": str(summary)},
    )
    return inner, project.folder


@pytest.fixture
def inner(run: tuple[Inner, Path]) -> Inner:
    return run[0]


@pytest.fixture
def read(run: tuple[Inner, Path]) -> Callable[[FormatName], str]:
    return lambda format_: (run[1] / FILES[format_]).read_text()


Read = Callable[[FormatName], str]


def short(nodeid: str) -> str:
    return nodeid.partition("::")[2]


def test_the_terminal_and_the_exit_status(inner: Inner) -> None:
    assert inner.status == pytest.ExitCode.TESTS_FAILED
    # A test whose teardown fails is to pytest one that passed and one error; so is it to JUnit.
    assert "3 failed, 2 passed, 1 skipped, 1 xfailed, 2 errors in " in inner.text, inner.text
    told = re.findall(r"^(?:FAILED|ERROR) test_suite\.py::(.+?)(?: - .*)?$", inner.text, re.MULTILINE)
    assert set(told) == FAILED


def test_junit(run: tuple[Inner, Path]) -> None:
    cases: dict[str, set[type]] = {}
    properties: dict[str, Mapping[str, str]] = {}
    for suite in JUnitXml.fromfile(str(run[1] / "junit.xml")):
        for case in suite:
            cases.setdefault(case.name, set()).update(type(result) for result in case.result)
            told = (each for group in case.iterchildren(Properties) for each in group)
            properties.setdefault(case.name, {each.name: each.value for each in told})
    assert {name for name, results in cases.items() if results & {Failure, Error}} == FAILED
    assert cases["test_expected"] == cases["test_left_out"] == {Skipped}
    for name in JUDGED:
        assert properties[name]["celery_throughput[office.add]"].startswith("FAIL")
        assert properties[name]["celery_latency[office.add]"].startswith("FAIL")


def test_json(run: tuple[Inner, Path], read: Read) -> None:
    for text in ((run[1] / "report.json").read_text(), read(FormatName.JSON)):
        report = load(text)
        assert {short(test.nodeid) for test in report.tests if test.outcome == "failed"} == FAILED
        assert {short(test.nodeid) for test in report.tests if test.outcome == "passed"} == PASSED
        assert {short(test.nodeid) for test in report.tests if test.outcome == "skipped"} == {"test_expected"}
        messages = {short(test.nodeid): test.message for test in report.tests}
        assert messages["test_fails_by_itself"] == "AssertionError: of its own"
        assert messages["test_without_set_up"] == "OSError: no set-up"
        assert messages["test_without_teardown"] == "OSError: no teardown"
        assert messages["test_slow[a|b]"].startswith("Failed: ✗ celery_")
        lines = {short(test.nodeid): test.place.line for test in report.tests if test.place}
        assert SUITE.splitlines()[lines["test_good"] - 1] == "def test_good():"


def test_annotations(inner: Inner, read: Read) -> None:
    lines = read(FormatName.GITHUB_ANNOTATIONS).splitlines()
    assert {line.split("::")[3].split("%0A")[0] for line in lines} == {name.replace("%", "%25") for name in FAILED}
    assert len(lines) == len(FAILED) + len(JUDGED)
    judged = [line for line in lines if line.startswith("::error file=office.py,line=")]
    assert len(judged) == len(JUDGED) * 2, "what a verdict is about is in the task"
    assert all(line.startswith("::error file=test_suite.py,line=") for line in lines if line not in judged)
    assert [line for line in inner.text.splitlines() if line.startswith("::")] == lines


def test_the_summary(run: tuple[Inner, Path], read: Read) -> None:
    text = read(FormatName.GITHUB_SUMMARY)
    assert text.startswith("## celery-perf: 5 of 7 tests failed\n")
    assert text.count("\n**✗ ") == len(FAILED) + len(JUDGED)
    assert (run[1] / "summary.md").read_text() == f"what an earlier command of the step said\n{text}"


def test_gitlab(read: Read) -> None:
    issues = json.loads(read(FormatName.GITLAB_CODEQUALITY))
    assert {short(issue["description"].rpartition(" (")[2][:-1]) for issue in issues} == FAILED
    assert {issue["location"]["path"] for issue in issues} == {"office.py", "test_suite.py"}
    families = {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in text_string_to_metric_families(read(FormatName.GITLAB_METRICS))
    }
    assert families["celery_perf_tests"] == {("passed",): 1, ("failed",): 5, ("skipped",): 1}


def test_the_stores_of_benchmarks_get_the_figures_of_what_passed(read: Read) -> None:
    (benchmark,) = json.loads(read(FormatName.PYTEST_BENCHMARK))["benchmarks"]
    assert benchmark["fullname"] == "test_suite.py::test_good office.add"
    small = {each["name"]: each["value"] for each in json.loads(read(FormatName.GITHUB_BENCHMARK_SMALLER))}
    assert small["failed tests"] == 5
    assert {short(name).partition(" ")[0] for name in small.keys() - {"failed tests"}} == PASSED
    assert json.loads(read(FormatName.GITHUB_BENCHMARK_BIGGER))[0]["value"] == 1
    measures = json.loads(read(FormatName.BENCHER))
    assert measures.pop("celery-perf") == {"failed-tests": {"value": 5}}
    assert {short(name).partition(" ")[0] for name in measures} == PASSED


CRASHING = """
import os
from office import add

def test_good(celery_perf):
    celery_perf.run(add, (1, 2))

def test_crash(celery_perf):
    os._exit(3)
"""
UNSTEADY = """
import itertools
from office import add
times = itertools.count()

def test_unsteady(celery_perf):
    celery_perf.run(add, (1, 2))
    assert next(times) > 0
"""
SUBTESTS = """
import unittest
import pytest
from office import add

@pytest.mark.celery_latency(max="1min")
class TestSums(unittest.TestCase):
    def test_sums(self):
        for right in (True, False, True):
            with self.subTest(right=right):
                add.delay(1, 2)
                self.assertTrue(right)
"""


def test_a_test_that_takes_its_xdist_worker_with_it_has_failed(plain: Project) -> None:
    plain.write("test_a.py", CRASHING)
    inner = plain.run("-n", "1", "--celery-perf-json=report.json")
    assert "1 failed, 1 passed" in inner.text, inner.text
    outcomes = {short(test.nodeid): test.outcome for test in load((plain.folder / "report.json").read_text()).tests}
    assert outcomes == {"test_good": "passed", "test_crash": "failed"}


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_test_that_was_run_again_has_not_failed(plain: Project, processes: str) -> None:
    plain.write("conftest.py", RERUNNING)
    plain.write("test_a.py", UNSTEADY)
    inner = plain.run("-n", processes, "--celery-perf-json=report.json", "--celery-perf-output=github-annotations")
    assert inner.status == pytest.ExitCode.OK, inner.text
    assert "1 passed, 1 rerun" in inner.text
    report = load((plain.folder / "report.json").read_text())
    assert [test.outcome for test in report.tests] == ["rerun", "passed"]
    assert "::error" not in inner.text


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_test_with_a_subtest_that_failed_has_failed_once(plain: Project, processes: str) -> None:
    plain.write("test_a.py", SUBTESTS)
    inner = plain.run("-n", processes, "--celery-perf-json=report.json", "--celery-perf-output=github-annotations")
    assert inner.status == pytest.ExitCode.TESTS_FAILED
    report = load((plain.folder / "report.json").read_text())
    assert [(test.outcome, test.message) for test in report.tests] == [("failed", "AssertionError: False is not true")]
    assert len(report.tests[0].rows) == 1
    assert inner.text.count("\n::error ") == 1


def test_a_run_that_fails_without_a_test_says_so(plain: Project) -> None:
    plain.write("test_a.py", "import nowhere_at_all\n")
    inner = plain.run("--celery-perf-json=report.json", "--celery-perf-output=github-annotations")
    assert inner.status == pytest.ExitCode.INTERRUPTED
    assert load((plain.folder / "report.json").read_text()).status == inner.status
    assert "\n::error title=pytest was interrupted%3A not all tests have run::the test run\n" in inner.text


WRONG = {
    "xml:a.xml": "celery_perf_output (command line): 'xml' in 'xml:a.xml' is none of the formats json, pytest-",
    "bencher": "celery_perf_output (command line): 'bencher' names no file: write bencher:FILE",
    "bencher:.": "is a directory, not a file",
    "bencher:pytest.ini/a": "cannot be written: ",
    "github-summary": "GITHUB_STEP_SUMMARY is not set, as it is in a step of GitHub Actions: write github-summary:FILE",
}


@pytest.mark.parametrize("value", WRONG)
def test_what_cannot_be_written_is_refused_before_any_test_runs(plain: Project, value: str) -> None:
    plain.write("test_a.py", "def test_a(celery_perf): pass\n")
    inner = plain.run(f"--celery-perf-output={value}", env={"GITHUB_STEP_SUMMARY": ""})
    assert inner.status == pytest.ExitCode.USAGE_ERROR
    assert WRONG[value] in inner.text
    assert "Traceback" not in inner.text
    assert "test_a" not in inner.text


def test_a_report_that_cannot_be_written_in_the_end_fails_the_run_and_no_other_report(plain: Project) -> None:
    plain.write("test_a.py", "def test_a(celery_perf): open('found', 'w').close()\n")
    inner = plain.run("--celery-perf-output=bencher:found/a.json", "--celery-perf-json=report.json")
    assert (1, {"test_a"}) == (inner.status, inner.passed)
    assert re.search(r"ERROR: celery_perf_output .*: not written: \[Errno 17\] File exists: '/.*/found'", inner.text)
    assert "1 passed in " in inner.text
    assert "Traceback" not in inner.text
    assert (plain.folder / "report.json").exists()


def test_the_ini_file_and_the_environment_take_several(plain: Project) -> None:
    plain.write("test_a.py", "def test_a(celery_perf): pass\n")
    plain.ini(celery_perf_output="\n    bencher:a, b.json\n    gitlab-metrics:m.txt")
    assert plain.run().status == pytest.ExitCode.OK
    assert json.loads((plain.folder / "a, b.json").read_text())["celery-perf"] == {"failed-tests": {"value": 0}}
    assert (plain.folder / "m.txt").read_text().endswith("# EOF\n")
    plain.run(env={"CELERY_PERF_OUTPUT": "bencher:c.json\nbencher:new/d.json"})
    assert (plain.folder / "c.json").read_text() == (plain.folder / "new/d.json").read_text()
