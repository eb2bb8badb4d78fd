"""``kill="broker"``: what each pool makes of it, told truly."""

from __future__ import annotations

import pytest

from tests.plugin.inner import Project
from tests.versions import DIES_WITH_A_FREE_SLOT


def test_a_server_process_dies(till: Project) -> None:
    inner = till.run("--celery-perf-broker=process", "broker_dies.py")

    assert set(inner.cases) == inner.passed, inner.text
    assert ("worker itself died (needs a supervisor)" in inner.text) == DIES_WITH_A_FREE_SLOT


@pytest.mark.docker
def test_a_container_dies(till: Project, redis_image: str) -> None:
    options = ("--celery-perf-broker=container", f"--celery-perf-image={redis_image}")

    inner = till.run(*options, "broker_dies.py", "-k", "free_slot or solo or prefetched")

    assert set(inner.cases) == inner.passed, inner.text
    assert len(inner.passed) == 3
