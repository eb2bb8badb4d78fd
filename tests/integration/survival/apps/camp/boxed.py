"""A test that is interrupted while its worker, in a container, runs a task."""

from __future__ import annotations

import os

import pytest
from camp import occupy


@pytest.mark.celery_worker(
    name=os.environ["CAMP_BOX"], runtime="container", image=os.environ["CAMP_IMAGE"], network="bridge", concurrency=1
)
def test_waits_in_a_container(celery_perf, camp: str) -> None:
    occupy.delay(camp)
