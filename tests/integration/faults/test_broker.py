"""The broker is killed, restarted and paused, in a process and in a container."""

from __future__ import annotations

import pytest

from tests.integration.faults.conftest import Run
from tests.plugin.inner import Inner

LOSES = "test_killed_without_its_data"

pytestmark = pytest.mark.slow


def check(inner: Inner) -> None:
    assert inner.cases.keys() - inner.passed == {LOSES}, inner.text
    assert len(inner.passed) == 6
    assert inner.lacks(LOSES, "lost 7 (budget = 0)", "its data are lost", "give the broker an append-only file") == []


def test_process(run: Run) -> None:
    check(run("broker", "--celery-perf-broker=process"))


@pytest.mark.docker
def test_container(run: Run, redis_image: str) -> None:
    check(run("broker", "--celery-perf-broker=container", f"--celery-perf-image={redis_image}"))


def test_a_users_server_is_left_alone(run: Run) -> None:
    inner = run("users_server", "--celery-perf-broker=redis://127.0.0.1:1/0")
    assert inner.status != 0
    assert 'celery_fault: kind="kill_broker" needs a broker that is ours to kill' in inner.text


def test_what_goes_astray_is_delivered_again(run: Run) -> None:
    inner = run("astray")
    assert len(inner.passed) == len(inner.cases) == 2, inner.text
