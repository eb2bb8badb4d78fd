"""What a recovery would take in production, where nobody brings the waiting forward."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_celery_perf.measure.lives import Life
from pytest_celery_perf.model.record import History
from pytest_celery_perf.model.units import format_duration_s


def in_production(history: History, recovered: Iterable[Life]) -> Iterator[str]:
    """Say for how long production would wait where this test did not.

    Args:
        history: Of the test.
        recovered: The tasks that came to their end after a fault.
    """
    if history.visibility_timeout_s is None or not any(fault.kind == "restored" for fault in history.faults):
        return
    waits = f"the visibility timeout, {format_duration_s(history.visibility_timeout_s)}"
    if history.restore_delay_s:
        waits += f", and up to {format_duration_s(history.restore_delay_s)} more until a worker looks"
    idle = any(life.concluding is not None and life.concluding.pool == "gevent" for life in recovered)
    never = "; an idle gevent worker never looks" if idle else ""
    yield f"in production: Redis delivers again only after {waits}{never} (brought forward here)"
