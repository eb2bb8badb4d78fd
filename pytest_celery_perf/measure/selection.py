"""Parts of a history."""

from __future__ import annotations

from collections.abc import Sequence
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


def joined(histories: Sequence[History]) -> History:
    """Put the histories of several runs of a test together, as if they were one.

    Args:
        histories: In the order of the runs.
    """
    return History(
        publications=tuple(each for history in histories for each in history.publications),
        executions=tuple(each for history in histories for each in history.executions),
        tasks={name: options for history in histories for name, options in history.tasks.items()},
        workers=tuple({each.boot: each for history in histories for each in history.workers}.values()),
        faults=tuple(each for history in histories for each in history.faults),
        points=tuple(each for history in histories for each in history.points),
        snapshots=tuple(each for history in histories for each in history.snapshots),
        states={task: state for history in histories for task, state in history.states.items()},
        problems=tuple(dict.fromkeys(each for history in histories for each in history.problems)),
        unfinished=frozenset(each for history in histories for each in history.unfinished),
        stuck_unacked=tuple(each for history in histories for each in history.stuck_unacked),
        diagnosis="\n".join(history.diagnosis for history in histories if history.diagnosis),
    )
