"""Workers in containers suffer what those beside the tests do, and the kernel's way to deal with too little memory."""

from __future__ import annotations

from secrets import token_hex
from typing import Any

import pytest

from tests.integration.faults.conftest import Run

pytestmark = [pytest.mark.docker, pytest.mark.slow]


def test_faults(run: Run, worker_image: str, docker_client: Any) -> None:
    box = f"box-{token_hex(4)}"
    inner = run("containers", env={"OFFICE_IMAGE": worker_image, "OFFICE_BOX": box})
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.passed) == 6
    assert docker_client.containers.list(all=True, filters={"name": box}) == []
