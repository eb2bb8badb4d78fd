"""Only a FAIL fails a test; what is inconclusive does not."""

from __future__ import annotations

import pytest

from pytest_celery_perf.model.verdict import Status, Verdict


@pytest.mark.parametrize(
    ("status", "expected"), [(Status.PASS, False), (Status.FAIL, True), (Status.INCONCLUSIVE, False)]
)
def test_a_verdict_fails_only_by_its_status(status: Status, expected: bool) -> None:
    assert expected == Verdict(marker="celery_queries", task="shop.tasks.pay", status=status).failed
