"""Which task of one run of a test is which of another: their ids are others in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Publication

Origin = tuple["Origin | None", str, int]
"""How a task came about: the origin of the task that published it (None: the test did), its name, and how many of
that name the same execution had published with it."""


def counterparts(reference: History, run: History) -> Mapping[str, str]:
    """Find for the tasks of a run those of another run that came about alike.

    Args:
        reference: The other run.
        run: A run whose tasks may have begun, and published others, more often.

    Returns:
        The id in the other run by the id in the run; nothing for tasks that only the run has.
    """
    known: dict[Origin, str] = {}
    for task_id, origin in _origins(reference).items():
        known.setdefault(origin, task_id)
    return {task_id: known[origin] for task_id, origin in _origins(run).items() if origin in known}


def _origins(history: History) -> dict[str, Origin]:
    """Return how each task came about, by its id."""
    begun: dict[tuple[str | None, str | None], list[int]] = {}
    for each in history.executions:
        if each.started_ns is not None:
            begun.setdefault((each.task_id, each.boot), []).append(each.started_ns)
    copies = _copies(history)
    origins: dict[str, Origin] = {}
    counts: Counter[tuple[str | None, int, str]] = Counter()
    for message in sorted(history.publications, key=lambda publication: publication.published_ns):
        if message.task_id in origins:
            continue  # a retry
        if message.task_id in copies:
            origins[message.task_id] = origins[copies[message.task_id]]
            continue
        place = message.parent_id, _execution(message, begun), message.name
        counts[place] += 1
        origins[message.task_id] = origins.get(message.parent_id or ""), message.name, counts[place]
    return origins


def _execution(message: Publication, begun: Mapping[tuple[str | None, str | None], list[int]]) -> int:
    """Return when the execution began that published a message; 0 if the test did."""
    before = (ns for ns in begun.get((message.parent_id, message.boot), ()) if ns <= message.published_ns)
    return max(before, default=0)


def _copies(history: History) -> dict[str, str]:
    """Return whose copy a task is that was published a second time, with an id of its own."""
    doubled = [each.task_id for each in history.faults if each.kind == "double" and each.task_id]
    sent = [each.task_id for each in history.faults if each.kind == "delivered-again" and each.task_id]
    return dict(zip(sent, doubled, strict=False))
