from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
import redis

from tests.plugin.inner import Inner, Project

APP = Path(__file__).parent / "apps" / "post"

LOST = "test_what_a_dead_connection_is_sent_is_lost"
TRY_AGAIN = "fix: a result could not be stored: with result_backend_always_retry=True"
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


def results(folder: Path, pool: str, which: str) -> Inner:
    return run(folder / "post", "results", "-o", f"celery_perf_workers=postman: --pool={pool} -c 1", "-k", which)


def test_a_task_whose_result_could_not_be_stored_has_ended(tmp_path: Path) -> None:
    inner = results(tmp_path, "prefork", "test")
    assert len(inner.passed) == len(inner.cases) == 5, inner.text


@pytest.mark.parametrize("pool", ["threads", pytest.param("gevent", marks=pytest.mark.gevent)])
def test_a_message_that_nobody_acknowledges_since_no_result_could_be_stored(tmp_path: Path, pool: str) -> None:
    inner = results(tmp_path, pool, "early or late or mended")
    assert inner.cases.keys() - inner.passed == {"test_late"}, inner.text
    words = ("left in unacked 1", "it succeeded, though its result could not be stored", TRY_AGAIN)
    assert inner.lacks("test_late", *words) == []
    assert [each for each in ("still runs", "dead") if each in inner.cases["test_late"].message] == []


def test_solo_takes_a_result_that_could_not_be_stored_for_a_broken_connection(tmp_path: Path) -> None:
    inner = results(tmp_path, "solo", "late or mended")
    assert inner.cases.keys() - inner.passed == {"test_late"}, inner.text
    assert inner.lacks("test_late", "DUPLICATED", "succeeded, which could not be stored", TRY_AGAIN) == []


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
