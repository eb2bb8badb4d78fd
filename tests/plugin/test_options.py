"""Every setting through each of its places, and what a run writes: header, table, files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pytest_celery_perf.options import OPTIONS

from .inner import Inner, Project

SUITE = """
import pytest
from office import add, fragile

@pytest.mark.celery_latency(max="1min")
@pytest.mark.parametrize("n", [1, 2])
def test_good(n, request):
    request.node.user_properties.append(("size", n))  # as record_property does, which warns of JUnit's newer format
    add.delay(n, n)

@pytest.mark.celery_latency(max="1ns")
def test_bad():
    fragile.delay(fail=True)

@pytest.mark.celery_latency(max="1min")
def test_fails_by_itself():
    add.delay(1, 2)
    raise AssertionError("of its own")

def test_not_ours():
    pass
"""
SETTINGS = {
    "app": ("office:app", "office", "office:app"),
    "workers": ("a: -c 1", "b: -c 1", "c: -c 1"),
    "broker": ("auto", "container", "process"),
    "image": ("one", "two", "three"),
    "timeout": ("11s", "12s", "13s"),
    "time_scale": ("0.1", "0.2", "0.3"),
    "start": ("auto", "warm", "cold"),
    "point": ("book:1", "book:2", "book:3"),
    "drill": ("deploy", "worker_oom", "poison_pill"),
    "measure": ("garbage", "all", "garbage"),
    "base": ("one", "two", "three"),
    "base_env": ("python3", "image:two", "python3"),
    "base_config": ("task_acks_late=true", "task_acks_late=false", "task_acks_late=0"),
    "budget_time": ("1min", "2min", "3min"),
    "inconclusive": ("warn", "fail", "warn"),
    "update": ("missing", "changed", "all"),
    "strict": ("no", "yes", "no"),
    "baseline": ("one", "two", "three"),
    "baseline_save": ("no", "yes", "no"),
    "logs": ("one", "two", "three"),
    "json": ("one.json", "two.json", "three.json"),
    "json_detail": ("records", "aggregates", "records"),
    "output": ("bencher:one.bmf", "github-annotations", "gitlab-metrics:three.txt"),
}
"""Per setting: a value for the ini file, for the environment, for the command line."""


@pytest.fixture
def suite(plain: Project) -> Project:
    plain.write("test_suite.py", SUITE)
    return plain


def test_every_setting_by_default(plain: Project) -> None:
    plain.write("test_a.py", "def test_a(celery_perf): pass\n")
    shown = _settings(plain.run())
    assert shown.pop("app") == ("office:app", "ini")
    assert shown.pop("broker") == ("process", "ini")
    assert shown == {
        "workers": ("default: -c 2", "default"),
        "image": ("valkey/valkey:8.1-alpine", "default"),
        "timeout": ("60s", "default"),
        "time_scale": ("0.001", "default"),
        "start": ("auto", "default"),
        "budget_time": ("10min", "default"),
        "inconclusive": ("warn", "default"),
        "strict": ("no", "default"),
        "baseline_save": ("no", "default"),
        "json_detail": ("records", "default"),
    }


@pytest.mark.parametrize(("number", "source"), [(0, "ini"), (1, "environment"), (2, "command line")])
def test_every_setting_from_each_place(plain: Project, number: int, source: str) -> None:
    """The later place wins over those before it; only collected, so that no value starts anything."""
    plain.write("test_a.py", "def test_a(): pass\n")
    plain.write("conftest.py", _SHOW)
    ini = "".join(f"celery_perf_{name} = {values[0]}\n" for name, values in SETTINGS.items())
    plain.write("pytest.ini", f"[pytest]\naddopts = -p no:cacheprovider -p no:django\n{ini}")
    environment = {f"CELERY_PERF_{name.upper()}": values[1] for name, values in SETTINGS.items()}
    line = [f"--celery-perf-{name.replace('_', '-')}={values[2]}" for name, values in SETTINGS.items()]
    inner = plain.run("--collect-only", *(line if number > 1 else ()), env=environment if number > 0 else None)
    assert {option.name for option in OPTIONS} == set(SETTINGS)
    assert _settings(inner) == {name: (values[number], source) for name, values in SETTINGS.items()}


_SHOW = """
from pytest_celery_perf.stash import OPTIONS
def pytest_report_header(config):
    return [f"{each.name}={each.value} ({each.source})" for each in config.stash[OPTIONS].settings]
"""


def _settings(inner: Inner) -> dict[str, tuple[str, str]]:
    found = re.findall(r"(\w+)=(\S[^(]*) \((ini|environment|command line|default)\)", inner.text)
    return {name: (value, source) for name, value, source in found}


def test_the_reports(suite: Project) -> None:
    inner = suite.run("--celery-perf-json=out/report.json", "--celery-perf-logs=logs")
    assert inner.passed == {"test_good[1]", "test_good[2]", "test_not_ours"}

    report = json.loads((suite.folder / "out/report.json").read_text())
    outcomes = {test["nodeid"].partition("::")[2]: test["outcome"] for test in report["tests"]}
    assert outcomes == {
        "test_good[1]": "passed",
        "test_good[2]": "passed",
        "test_bad": "failed",
        "test_fails_by_itself": "failed",
    }
    assert report["schema"] == 1
    assert len(report["tests"][0]["history"]["executions"]) == 1
    assert [test["properties"] for test in report["tests"]] == [[["size", "1"]], [["size", "2"]], [], []]

    assert inner.cases["test_good[1]"].properties["celery_latency[office.add]"].startswith("PASS: max runtime")
    told = inner.cases["test_bad"].properties["celery_latency[office.fragile]"]
    assert told.startswith("FAIL: succeeded 0 of 1 (budget ≥ 1); max runtime")
    assert inner.cases["test_bad"].outcome == "failed"
    assert inner.cases["test_not_ours"].properties == {}

    assert re.search(r"^office.add +3 +3 +3 +0 ", inner.text, re.MULTILINE), inner.text
    assert "✗ celery_latency  office.fragile\n    succeeded 0 of 1 (budget ≥ 1) · max runtime" in inner.text
    assert "✓ celery_latency  office.add" in inner.text
    assert "of its own" in inner.cases["test_fails_by_itself"].message

    assert "log of worker default@" in inner.text
    assert "LookupError: the drawer is empty" in inner.text
    (log,) = (suite.folder / "logs").iterdir()
    assert "LookupError: the drawer is empty" in log.read_text()


def test_xdist_merges_the_results(suite: Project) -> None:
    inner = suite.run("-n", "2", "--celery-perf-json=report.json", "--celery-perf-json-detail=aggregates")
    assert inner.passed == {"test_good[1]", "test_good[2]", "test_not_ours"}, inner.text
    report = json.loads((suite.folder / "report.json").read_text())
    assert len(report["tests"]) == 4
    assert "executions" not in report["tests"][0]["history"]
    assert sorted(test["properties"] for test in report["tests"]) == [[], [], [["size", "1"]], [["size", "2"]]]
    assert report["overrides"] == [{"name": "broker_url", "was": "redis://app.invalid:1/0"}]
    assert inner.text.count("overridden: broker_url (was redis://app.invalid:1/0)\n") == 1
    assert re.search(r"^office.add +3 +3 +3 +0 ", inner.text, re.MULTILINE), inner.text
    assert inner.cases["test_bad"].properties["celery_latency[office.fragile]"].startswith("FAIL")


@pytest.mark.parametrize("xdist", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_sign_of_life_in_a_log(plain: Project, xdist: tuple[str, ...]) -> None:
    plain.write("conftest.py", "from pytest_celery_perf.report import live\nlive._HEARTBEAT_S = 0.2\n")
    plain.write("test_a.py", _WAITS)
    inner = plain.run(*xdist)
    assert inner.cases["test_a"].outcome == "failed"
    assert re.search(r"^\.*celery-perf: 0/1 tasks finished, [0-9]s . test_a\.py::test_a$", inner.text, re.MULTILINE)
    assert "Captured stdout call" in inner.text, "what the test prints is captured all the same"


def test_the_same_test_twice(plain: Project) -> None:
    plain.write("test_a.py", "from office import add\ndef test_a(celery_perf): celery_perf.run(add, (1, 2))\n")
    plain.write("conftest.py", _TWICE)
    inner = plain.run("-v")
    assert inner.text.count("test_a.py::test_a PASSED") == 2, inner.text


_WAITS = """
import os
from office import stand

def test_a(celery_perf, tmp_path):
    print("printed by the test")
    os.mkfifo(tmp_path / "gate")
    celery_perf.run(stand, (str(tmp_path / "gate"),), timeout=2)
"""
_TWICE = """
from _pytest.runner import runtestprotocol
def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        for report in runtestprotocol(item, nextitem=nextitem, log=False):
            item.ihook.pytest_runtest_logreport(report=report)
        item._initrequest()
    return True
"""


def test_collecting_starts_nothing(suite: Project) -> None:
    suite.write("conftest.py", _FORBID_PROCESSES)
    inner = suite.run("--collect-only")
    assert inner.status == 0, inner.text
    assert "5 tests collected" in inner.text


def test_logs_in_a_place_that_cannot_be_written_are_refused_before_any_test_runs(plain: Project) -> None:
    plain.write("test_a.py", "def test_a(celery_perf): pass\n")
    folder, hidden = plain.folder / "read_only", plain.folder / "hidden"
    folder.mkdir(mode=0o555)
    hidden.mkdir(mode=0)
    for place, told in {
        "pytest.ini/logs": f"{plain.folder}/pytest.ini is no directory; name another directory",
        "read_only": f"this user may not write to {folder}; name another directory",
        "read_only/logs": f"this user may not write to {folder}; name another directory",
        "hidden/new/logs": f"this user may not write to {hidden}; name another directory",
    }.items():
        inner = plain.run(f"--celery-perf-logs={place}", bound=True)
        assert (4, {}) == (inner.status, inner.cases), inner.text
        assert f"celery_perf_logs: {plain.folder / place} cannot be written: {told}" in inner.text


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc, where nobody can make a directory")
def test_logs_in_a_place_that_only_looks_as_if_it_could_be_written_are_refused(plain: Project) -> None:
    plain.write("test_a.py", "def test_a(celery_perf): pass\n")
    inner = plain.run("--celery-perf-logs=/proc/logs")
    assert inner.status == 4
    assert "celery_perf_logs: /proc/logs cannot be " in inner.text
    assert "INTERNALERROR" not in inner.text


def test_nothing_is_started_if_the_collection_fails(suite: Project) -> None:
    suite.write("conftest.py", _FORBID_PROCESSES)
    suite.write("test_broken.py", "import nowhere_at_all\n")
    inner = suite.run()
    assert "Interrupted: 1 error during collection" in inner.text
    assert "RuntimeError" not in inner.text


def test_nothing_is_started_if_none_of_our_tests_is_selected(suite: Project) -> None:
    suite.write("conftest.py", _FORBID_PROCESSES)
    inner = suite.run("-k", "not_ours")
    assert inner.passed == {"test_not_ours"}, inner.text


def test_a_suite_that_uses_nothing_of_us_pays_nothing(plain: Project) -> None:
    plain.write("conftest.py", _FORBID_PROCESSES + _FORBID_IMPORTS)
    plain.write("test_a.py", "def test_a(): pass\n")
    plain.write("pytest.ini", "[pytest]\naddopts = -p no:cacheprovider -p no:django\n")
    inner = plain.run()
    assert inner.passed == {"test_a"}, inner.text
    assert "celery-perf:" not in inner.text


_FORBID_PROCESSES = """
import sys
def _refuse(event, arguments):
    if event in ("subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"):
        raise RuntimeError(event)
sys.addaudithook(_refuse)
"""
_FORBID_IMPORTS = """
def pytest_sessionfinish():
    heavy = {"billiard", "celery", "django", "docker", "kombu", "redis", "testcontainers"}
    assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()
"""


def test_the_markers_explain_themselves(plain: Project) -> None:
    text = plain.run("--markers").text
    for name in ("worker", "queries", "latency", "retries", "recovery", "routing"):
        assert f"@pytest.mark.celery_{name}(" in text


def test_an_embedded_beat_leaves_nothing_in_the_project(plain: Project) -> None:
    lines = ("import pytest", "from office import nap", "@pytest.mark.celery_latency(max='1min')")
    plain.write("test_beat.py", "\n".join((*lines, "def test_nap(): nap.delay(0.5)\n")))
    inner = plain.run("--celery-perf-workers=main: -B -c 1 -s mine")
    assert inner.passed == {"test_nap"}, inner.text
    assert [path.name for path in plain.folder.iterdir() if path.name.startswith(("celerybeat", "mine"))] == []
