from __future__ import annotations

from pathlib import Path

import pytest

from .inner import Project


@pytest.fixture
def measured(tmp_path: Path) -> Project:
    return Project.copy("plain", tmp_path / "plain", "measure")


@pytest.fixture
def instruments(tmp_path: Path) -> Project:
    return Project.copy("plain", tmp_path / "plain", "instruments")


def test_what_is_asked_for_is_measured(measured: Project) -> None:
    inner = measured.run("--celery-perf-measure=all", "--deselect=test_measure.py::test_unasked")
    assert inner.cases.keys() == inner.passed, inner.text
    assert inner.passed


def test_nothing_else_is(measured: Project) -> None:
    inner = measured.run("-k", "test_unasked")
    assert inner.passed == {"test_unasked"}, inner.text


@pytest.mark.gevent
def test_every_instrument_tells_the_truth_on_every_pool(instruments: Project) -> None:
    inner = instruments.run("--celery-perf-measure=all", "-k", "not calls")
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.passed) == 19


@pytest.mark.gevent
def test_calls_are_counted_where_that_is_said(instruments: Project) -> None:
    inner = instruments.run("--celery-perf-measure=calls,cpu", "-k", "calls")
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.passed) == 4


def test_calls_are_the_same_in_every_run(tmp_path: Path) -> None:
    shelf = Project.copy("library", tmp_path / "library", "calls")
    first, second = ({**shelf.run().cases["test_queries"].properties} for _ in range(2))
    counts = [{name: told for name, told in each.items() if name.startswith("cold")} for each in (first, second)]
    assert counts[0] == counts[1]
    assert float(counts[0]["cold False"]) > 1_000


def test_no_instrument(measured: Project) -> None:
    text = measured.run("--celery-perf-measure=weight").text
    assert "celery_perf_measure (command line): 'weight' is not one of all, " in text


@pytest.mark.docker
def test_instruments_measure_in_containers(tmp_path: Path, worker_image: str) -> None:
    boxed = Project.copy("plain", tmp_path / "plain", "boxed")
    inner = boxed.run("--celery-perf-measure=cpu,memory,payload", env={"OFFICE_IMAGE": worker_image})
    assert inner.passed == {"test_memory_cpu_and_message", "test_calls"}, inner.text
