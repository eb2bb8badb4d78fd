"""After scripts of random faults nothing is left, and what became of each task is explained by the faults.

``CELERY_PERF_TEST_SEEDS=0-199`` tries more of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.measure.journal import journal
from pytest_celery_perf.report import json
from pytest_celery_perf.report.journal import journal_text
from tests.integration.faults.conftest import Run
from tests.integration.faults.explanations import unexplained
from tests.servers import users_redis

FIRST, LAST = map(int, os.environ.get("CELERY_PERF_TEST_SEEDS", "0-3").split("-"))
ON_A_USERS_SERVER = 4
"""Every so many seeds the broker is somebody's server: there, the keys that are left can be seen."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("seed", range(FIRST, LAST + 1))
def test_script(run: Run, users_server: Endpoint, tmp_path: Path, seed: int) -> None:
    report = tmp_path / "report.json"
    broker = users_server.url() if seed % ON_A_USERS_SERVER == ON_A_USERS_SERVER - 1 else "process"
    settings = (f"--celery-perf-json={report}", f"--celery-perf-broker={broker}")

    inner = run("scripts", *settings, env={"OFFICE_SEED": str(seed)})

    again = f"again: CELERY_PERF_TEST_SEEDS={seed}-{seed} pytest tests/integration/faults/test_scripts.py"
    assert inner.passed == {f"test_script[{seed}]"}, f"{again}\n{inner.text}"
    (test,) = json.load(report.read_text()).tests
    assert unexplained(test.history) == [], f"{again}\n{journal_text(journal(test.history))}"
    with redis.Redis.from_url(users_server.url()) as client:
        assert [b"theirs"] == client.keys(), again


@pytest.fixture
def users_server(tmp_path: Path) -> Iterator[Endpoint]:
    """Somebody's Redis, with somebody's data."""
    with users_redis(tmp_path) as endpoint:
        with redis.Redis.from_url(endpoint.url()) as client:
            client.set("theirs", "")
        yield endpoint
