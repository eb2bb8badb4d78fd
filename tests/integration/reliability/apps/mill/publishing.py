"""Messages are published over a bad network; what becomes of each is told in test_publishing.py."""

from __future__ import annotations

import pytest
from kombu.exceptions import OperationalError
from mill import early

pytestmark = [
    pytest.mark.celery_reliable(max_executions=1),
    pytest.mark.celery_worker(concurrency=1, prefetch=1, network=True),
]


def test_refused(celery_perf, celery_faults) -> None:
    celery_perf.run(early)
    with celery_faults.network.cut(link="publisher"):
        _fail_to_publish()


def test_given_up_in_a_black_hole(celery_perf, celery_faults) -> None:
    celery_perf.run(early)
    with celery_faults.network.black_hole(link="publisher"):
        _fail_to_publish()
    celery_faults.when("ended", nth=2)


def _fail_to_publish() -> None:
    with pytest.raises(OperationalError):
        early.apply_async(retry=False)
