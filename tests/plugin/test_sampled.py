from __future__ import annotations

from pathlib import Path

import pytest

from .inner import Project

ASKED = "--celery-perf-measure=workers,broker"


@pytest.fixture
def sampled(tmp_path: Path) -> Project:
    return Project.copy("plain", tmp_path / "plain", "sampled")


def test_what_is_asked_for_is_watched(sampled: Project) -> None:
    inner = sampled.run(ASKED, "-k", "not gevent and not test_unasked")
    assert inner.cases.keys() == inner.passed, inner.text
    assert inner.passed


@pytest.mark.gevent
def test_greenlets_are_watched(sampled: Project) -> None:
    inner = sampled.run(ASKED, "-k", "gevent")
    assert inner.passed == {"test_a_leak[gevent]", "test_memory_and_cpu[gevent]"}, inner.text


def test_nothing_else_is(sampled: Project) -> None:
    inner = sampled.run("-k", "test_unasked")
    assert inner.passed == {"test_unasked"}, inner.text


@pytest.mark.docker
def test_a_container_is_watched(tmp_path: Path, worker_image: str) -> None:
    boxed = Project.copy("plain", tmp_path / "plain", "sampled_box")
    inner = boxed.run(ASKED, env={"OFFICE_IMAGE": worker_image})
    assert inner.passed == {"test_memory_and_cpu", "test_a_leak"}, inner.text
