"""Workers in containers suffer what those beside the tests do, and the kernel's way to deal with too little memory."""

from __future__ import annotations

from typing import Any

import pytest

from tests.integration.faults.conftest import Run

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_faults(run: Run, worker_image: str, docker_client: Any) -> None:
    inner = run("containers", env={"OFFICE_IMAGE": worker_image})
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.passed) == 6
    assert docker_client.containers.list(all=True, filters={"name": "celery-perf-box"}) == []
