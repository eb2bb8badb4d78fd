"""A verdict that proves nothing warns or fails, as the user has chosen; all reports say the same of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_celery_perf.model.verdict import Status
from pytest_celery_perf.report.json import load

from .inner import Inner, Project

SUITE = """
import pytest
from office import add, choosy

@pytest.mark.celery_latency(max="1min")
def test_decided():
    add.delay(1, 2)

@pytest.mark.celery_memory(peak="1GiB")
@pytest.mark.celery_worker(pool="threads", concurrency=2)
def test_memory():
    add.delay(1, 2)

@pytest.mark.celery_cache(max_misses=0)
def test_cache():
    add.delay(1, 2)

@pytest.mark.celery_retries(jitter=True)
def test_jitter():
    choosy.delay()

@pytest.mark.celery_retries(jitter=True, attempts=9)
def test_jitter_beside_a_failure():
    choosy.delay()
"""
REASONS = {
    "test_memory": "memory is not attributable on this pool: tasks share a process on threads",
    "test_cache": "its app has none of Django's caches",
    "test_jitter": "the task chooses its countdowns itself: at least 5 tasks show whether they differ",
}
BROKEN = "test_jitter_beside_a_failure"


@pytest.fixture(scope="module", params=["0", "2"], ids=["alone", "xdist"])
def processes(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=["warn", "fail"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run(how: str, processes: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Inner, Path]:
    project = Project.copy("plain", tmp_path_factory.mktemp("inconclusive") / "plain")
    project.write("test_suite.py", SUITE)
    options = ("-n", processes, "--celery-perf-json=report.json", f"--celery-perf-inconclusive={how}")
    return project.run(*options), project.folder


def test_all_reports_agree(run: tuple[Inner, Path], how: str) -> None:
    inner, folder = run
    failed = {BROKEN, *(REASONS if how == "fail" else ())}
    status = {"warn": Status.INCONCLUSIVE, "fail": Status.FAIL}[how]
    glyph = {"warn": "?", "fail": "✗"}[how]
    assert failed == inner.cases.keys() - inner.passed, inner.text
    tests = {test.nodeid.partition("::")[2]: test for test in load((folder / "report.json").read_text()).tests}
    assert failed == {name for name, test in tests.items() if test.outcome == "failed"}
    for name in REASONS:
        (verdict,) = tests[name].verdicts
        assert verdict.status is status
        assert inner.cases[name].properties[f"{verdict.marker}[{verdict.task}]"].startswith(f"{status}: ")
        assert f"{glyph} {verdict.marker}" in inner.text


def test_the_message_of_a_failure_says_why(run: tuple[Inner, Path], how: str) -> None:
    inner, _ = run
    for name, reason in REASONS.items():
        said = (reason, "answer INCONCLUSIVE (budget PASS or FAIL)", "celery_perf_inconclusive=warn")
        assert how == "warn" or inner.lacks(name, *said) == [], inner.cases[name].message
        assert reason in inner.text


def test_what_is_unknown_reads_so_beside_a_failure(run: tuple[Inner, Path]) -> None:
    assert run[0].lacks(BROKEN, "✗ attempts        4  = 9", "? jitter    unknown  on") == []
