"""Freezes a book into the history that is judged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.collect.draft import Draft
from pytest_celery_perf.collect.figures import figures_of
from pytest_celery_perf.collect.ledger import Ledger, frame_of
from pytest_celery_perf.collect.points import points_of
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome, Publication, QueryUse, TaskError

BUILT_IN = "celery."
"""Celery's own tasks (``celery.chord_unlock`` and the like) are waited for, but never judged."""


def freeze(book: Book, ledger: Ledger, members: Iterable[str] = ()) -> History:
    """Return what is known about a test by now.

    Args:
        book: Its records.
        ledger: Knows the workers and what the numbers in the records stand for.
        members: The boots of workers that are told of even if they received nothing.

    Returns:
        The history, without what only the runner knows (the state of the broker, the diagnosis).
    """
    publications = sorted(_publications(book), key=lambda each: (each.published_ns, each.task_id, each.retries))
    children = _children(publications)
    executions = sorted(
        (each for drafts in book.executions.values() for each in _executions(drafts, book, ledger, children)),
        key=lambda execution: (execution.received_ns or 0, execution.task_id),
    )
    judged = tuple(execution for execution in executions if not execution.name.startswith(BUILT_IN))
    names = {execution.name for execution in judged}
    boots = {*members, *(execution.boot for execution in executions)}
    return History(
        publications=tuple(publications),
        executions=judged,
        tasks={name: options for name, options in ledger.tasks.items() if name in names},
        workers=tuple(
            replace(info, children=ledger.children_of(info)) for boot, info in ledger.workers.items() if boot in boots
        ),
        faults=tuple(sorted(book.faults, key=lambda fault: fault.at_ns)),
        points=points_of(judged, book, ledger),
        snapshots=tuple(book.snapshots),
        problems=tuple(book.problems),
        unfinished=frozenset(book.open),
    )


def _publications(book: Book) -> list[Publication]:
    return [
        Publication(
            task_id=record.id,
            root_id=record.root or record.id,
            parent_id=record.parent,
            name=record.name,
            retries=record.retries,
            published_ns=record.ns,
            queue=record.queue,
            priority=record.priority,
            countdown_s=record.countdown_s,
            waited_s=record.waited_s,
            expires_s=record.expires_s,
            intended_ns=record.intended_ns,
            confirmed=key in book.confirmed,
            boot=book.publisher[key] or None,
            discarded=book.discarded.get(record.id),
            expired=record.id in book.expired,
        )
        for key, record in book.publishing.items()
        if not record.name.startswith(BUILT_IN)
    ]


def _children(publications: Iterable[Publication]) -> dict[str, list[Publication]]:
    """Return what was published by each task, by its id; that it is tried again is no child of its own."""
    children: dict[str, list[Publication]] = {}
    for publication in publications:
        if publication.parent_id is not None and publication.retries == 0:
            children.setdefault(publication.parent_id, []).append(publication)
    return children


def _executions(
    drafts: dict[Any, Draft], book: Book, ledger: Ledger, children: dict[str, list[Publication]]
) -> list[Execution]:
    """Return the executions of one task, their deliveries numbered per attempt."""
    deliveries: dict[int, int] = {}
    executions = []
    for draft in sorted(drafts.values(), key=lambda draft: draft.key[2]):
        if draft.received is None:
            continue  # Its worker's main process died between taking the message and saying so.
        delivery = deliveries[draft.key[1]] = deliveries.get(draft.key[1], 0) + 1
        # The worker knows only by which key the message was bound.
        published = book.publishing.get(draft.key[:2])
        queue = published.queue if published is not None else draft.received.queue
        executions.append(_execution(draft, draft.received, queue, delivery, ledger))
    return _with_children(executions, children.get(executions[0].task_id, ())) if executions else []


def _with_children(executions: list[Execution], children: Iterable[Publication]) -> list[Execution]:
    """Count the children of each execution of a task.

    Where two overlap, a child is of the later one: a retry may begin before the attempt that asked for it has ended.
    """
    counts = [0] * len(executions)
    for child in children:
        running = [number for number, execution in enumerate(executions) if _may_be_of(execution, child)]
        if running:
            counts[max(running, key=lambda number: executions[number].started_ns or 0)] += 1
    return [
        replace(execution, children=count) if count else execution
        for execution, count in zip(executions, counts, strict=True)
    ]


def _may_be_of(execution: Execution, child: Publication) -> bool:
    """Tell whether an execution of a task ran when and where a child of the task was published."""
    if child.boot != execution.boot or execution.started_ns is None or child.published_ns < execution.started_ns:
        return False
    return execution.ended_ns is None or child.published_ns <= execution.ended_ns


def _execution(draft: Draft, received: Any, queue: str | None, delivery: int, ledger: Ledger) -> Execution:
    worker = ledger.workers.get(draft.boot)
    started, finished = draft.started, draft.finished
    outcome = draft.outcome
    error = finished.error if finished is not None else None
    if error is None and draft.failed is not None:
        error = draft.failed.error
    ended_ns = finished.ns if finished is not None else draft.failed.ns if draft.failed is not None else None
    return Execution(
        task_id=received.id,
        root_id=received.root or received.id,
        parent_id=received.parent,
        name=received.name,
        retries=received.retries,
        delivery=delivery,
        redelivered=received.redelivered,
        queue=queue,
        priority=received.priority,
        worker=worker.name if worker is not None else "",
        boot=draft.boot,
        pool=worker.pool if worker is not None else "",
        tag=received.tag,
        received_ns=received.ns,
        pid=draft.pid,
        started_ns=started.ns if started is not None else None,
        body_started_ns=finished.body_started_ns if finished is not None else None,
        body_ended_ns=finished.body_ended_ns if finished is not None else None,
        # A task that is cut off leaves a record too, without a state: that is no end.
        ended_ns=ended_ns if outcome not in (None, Outcome.LOST) else None,
        acknowledged_ns=draft.acknowledged_ns,
        requeued_ns=draft.requeued_ns,
        outcome=outcome,
        error=_error(error),
        unstored=_error(finished.unstored) if finished is not None else None,
        countdown_s=finished.countdown_s if finished is not None else None,
        cpu_ns=finished.cpu_ns if finished is not None else None,
        queries=tuple(_queries(finished.queries or [], draft.file, ledger)) if finished is not None else (),
        queries_counted=finished is not None and finished.queries is not None,
        connects=finished.connects if finished is not None else 0,
        connect_ns=finished.connect_ns if finished is not None else 0,
        unattributed_queries=finished.unattributed if finished is not None else 0,
        first_in_process=started.first if started is not None else False,
        injected=finished.injected if finished is not None else False,
        figures=figures_of(draft),
    )


def _queries(rows: list[Any], file: str, ledger: Ledger) -> list[QueryUse]:
    definitions = ledger.files[file]
    return [
        QueryUse(
            alias=alias,
            sql=definitions.statements[statement],
            phase=phase,
            count=count,
            many=many,
            time_ns=time_ns,
            slow=slow,
            slowest_ns=slowest_ns,
            library=library,
            stacks=tuple((definitions.stacks[ref], sampled) for ref, sampled in stacks),
        )
        for alias, statement, phase, count, many, time_ns, slow, slowest_ns, library, stacks in rows
    ]


def _error(error: list[Any] | None) -> TaskError | None:
    if error is None:
        return None
    kind, message, where = error
    return TaskError(type=kind, message=message, where=frame_of(where) if where else None)
