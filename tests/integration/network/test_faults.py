from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import redis

from tests.plugin.inner import Inner, Project

APP = Path(__file__).parent / "apps" / "post"

LOST = "test_what_a_dead_connection_is_sent_is_lost"
UNCLOSED = "ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning"


def run(folder: Path, suite: str, *arguments: str, env: Mapping[str, str] | None = None) -> Inner:
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
    shutil.copy(APP / "suites" / f"{suite}.py", folder / f"test_{suite}.py")
    return Project(folder).run(*arguments, env=env)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    # With redis-py 5 a socket of the test's own is left to the garbage collector; by whom is not known.
    warnings = ("-W", UNCLOSED) if redis.VERSION < (6,) else ()
    return run(tmp_path_factory.mktemp("network") / "post", "faults", *warnings)


def test_each_fault_is_there_and_passes(faults: Inner) -> None:
    assert faults.cases.keys() - faults.passed == {LOST}, faults.text
    assert len(faults.cases) == 19


@pytest.mark.parametrize("pool", ["solo", "threads", pytest.param("gevent", marks=pytest.mark.gevent)])
def test_every_pool_comes_back(tmp_path: Path, pool: str) -> None:
    inner = run(tmp_path / "post", "pools", "-o", f"celery_perf_workers=postman: --pool={pool} -c 2")
    assert len(inner.passed) == len(inner.cases) == 2, inner.text


@pytest.mark.docker
def test_workers_in_containers(tmp_path: Path, worker_image: str) -> None:
    inner = run(tmp_path / "post", "boxes", env={"POST_IMAGE": worker_image})
    assert len(inner.passed) == len(inner.cases) == 5, inner.text


def test_what_is_lost_is_called_lost(faults: Inner) -> None:
    assert (
        faults.lacks(
            LOST, "network-half-open", "unaware: server", "LOST", "over a connection that no worker read any more"
        )
        == []
    )
