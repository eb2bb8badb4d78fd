"""Parts of a history."""

from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.model.history import History


def published_since(history: History, since_ns: int) -> History:
    """Keep the tasks that the test itself published since a time, and all that followed from them.

    Args:
        history: Of a test.
        since_ns: The time, on the monotonic clock.
    """
    roots = {
        publication.root_id
        for publication in history.publications
        if publication.boot is None and publication.published_ns >= since_ns
    }
    executions = tuple(each for each in history.executions if each.root_id in roots)
    ids = {execution.task_id for execution in executions}
    return replace(
        history,
        publications=tuple(each for each in history.publications if each.root_id in roots),
        executions=executions,
        points=tuple(each for each in history.points if each.task_id in ids),
    )
