"""A history as a journal: all that was recorded, in the order of time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath

from pytest_celery_perf.model.faults import DISCONNECTING, Fault
from pytest_celery_perf.model.history import History, Snapshot
from pytest_celery_perf.model.journal import JournalEntry
from pytest_celery_perf.model.record import Execution, Point, Publication
from pytest_celery_perf.model.units import format_duration_s

_ORDER = ("snapshot", "published", "received", "started", "point", "fault", "ended", "requeued", "acknowledged")
"""Of what happened in the same nanosecond."""


def journal(history: History, *, numbered: bool = False) -> tuple[JournalEntry, ...]:
    """Tell a history in the order of time.

    Args:
        history: Of a test.
        numbered: Whether tasks and processes have numbers, in the order in which they appear, instead of ids: then
            the journals of two test runs can be compared.
    """
    names = _Names(history, numbered=numbered)
    entries = [
        *(_published(each, names) for each in history.publications),
        *(entry for each in history.executions for entry in _executed(each, names)),
        *(_touched(each, names) for each in history.points),
        *(_struck(each, names) for each in history.faults),
        *(_looked(each, names) for each in history.snapshots),
    ]
    return tuple(sorted(entries, key=lambda entry: (entry.at_ns, _ORDER.index(entry.kind))))


class _Names:
    """What tasks, workers and processes are called."""

    def __init__(self, history: History, *, numbered: bool) -> None:
        self._workers = {worker.boot: worker.name for worker in history.workers}
        self._tasks = {each.task_id: each.name for each in history.executions}
        self._tasks |= {each.task_id: each.name for each in history.publications}
        self._runs = {(each.task_id, each.retries, each.delivery): each for each in history.executions}
        self._numbered = numbered
        begun = sorted(history.executions, key=lambda each: each.started_ns or 0)
        self._processes = _numbers(each.pid for each in begun if each.pid is not None)
        self._ids = _numbers(each.task_id for each in history.publications)

    def task(self, task_id: str) -> str:
        short = self._tasks.get(task_id, "?").rpartition(".")[2]
        return f"{short}[{f'#{self._ids.get(task_id, 0)}' if self._numbered else task_id[:8]}]"

    def tasks(self, ids: Iterable[str]) -> str:
        return ", ".join(map(self.task, ids))

    def worker(self, boot: str | None) -> str:
        return self._workers.get(boot or "", "a worker") if boot else "test"

    def process(self, each: Execution) -> str:
        number = f"#{self._processes.get(each.pid, 0)}" if self._numbered else each.pid
        return f"process {number} of {each.worker}"

    def toucher(self, each: Point) -> str:
        run = self._runs.get((each.task_id, each.retries, each.delivery))
        return "" if run is None else run.worker if each.kind == "acknowledgment" else self.process(run)


def _numbers(values: Iterable[object]) -> dict[object, int]:
    return {value: number for number, value in enumerate(dict.fromkeys(values), 1)}


def _published(each: Publication, names: _Names) -> JournalEntry:
    text = f"{'published' if each.confirmed else 'tried to publish'} {_attempt(each, names)} to {each.queue!r}"
    if each.countdown_s:
        shortened = each.waited_s not in (None, each.countdown_s)
        text += f", to be begun in {format_duration_s(each.countdown_s)}"
        text += f" ({format_duration_s(each.waited_s or 0)} here)" if shortened else ""
    if each.expires_s is not None:
        text += f", to expire in {format_duration_s(each.expires_s)}"
    if each.discarded is not None:
        text += f"; it {'expired' if each.expired else f'was {each.discarded}'}"
    return JournalEntry(
        at_ns=each.published_ns, kind="published", actor=names.worker(each.boot), text=text, task_id=each.task_id
    )


def _attempt(each: Publication | Execution, names: _Names) -> str:
    return names.task(each.task_id) + (f", attempt {each.retries + 1}," if each.retries else "")


def _executed(each: Execution, names: _Names) -> Iterator[JournalEntry]:
    named, process = _attempt(each, names), names.process(each)
    again = f" again (delivery {each.delivery})" if each.delivery > 1 or each.redelivered else ""
    for at_ns, kind, actor, text in (
        (each.received_ns, "received", each.worker, f"received {named}{again}"),
        (each.started_ns, "started", process, f"started {named}{again}"),
        (each.ended_ns, "ended", process, f"{named} {_end(each)}"),
        (each.requeued_ns, "requeued", each.worker, f"put {named} back into its queue"),
        (each.acknowledged_ns, "acknowledged", each.worker, f"acknowledged {named}{_early(each)}"),
    ):
        if at_ns is not None:
            yield JournalEntry(at_ns=at_ns, kind=kind, actor=actor, text=text, task_id=each.task_id)


def _end(each: Execution) -> str:
    error = f" ({each.error.type}: {each.error.message})" if each.error else ""
    wait = "" if each.countdown_s is None else f", to go on in {format_duration_s(each.countdown_s)}"
    unstored = f"; storing that failed ({each.unstored.type}: {each.unstored.message})" if each.unstored else ""
    return f"{each.outcome}{error}{wait}{unstored}"


def _early(each: Execution) -> str:
    if each.ended_ns is None:
        return " without an end"
    return "" if each.ended_ns <= (each.acknowledged_ns or 0) else " before its end"


def _touched(each: Point, names: _Names) -> JournalEntry:
    where = f" ({PurePath(each.where.path).name}:{each.where.line})" if each.where else ""
    text = f"{names.task(each.task_id)} touches {each.number}: {each.expected}{where}"
    return JournalEntry(at_ns=each.at_ns, kind="point", actor=names.toucher(each), text=text, task_id=each.task_id)


def _struck(each: Fault, names: _Names) -> JournalEntry:
    text = each.kind + (f" at {each.point}" if each.point else "")
    text += f" in {names.task(each.task_id)}" if each.task_id else ""
    text += f": {each.detail}" if each.detail else ""
    actor = names.worker(each.boot) if each.boot else _place(each)
    return JournalEntry(at_ns=each.at_ns, kind="fault", actor=actor, text=text, task_id=each.task_id)


def _place(each: Fault) -> str:
    """Say what a fault hit that hit no worker."""
    if each.kind.startswith("network-"):
        return "network"
    return "broker" if each.kind in DISCONNECTING or each.kind.startswith("broker-") else "test"


def _looked(each: Snapshot, names: _Names) -> JournalEntry:
    held = [f"{names.tasks(ids)} in {queue!r}" for queue, ids in each.queues]
    waiting = [task_id for task_id in each.unacked if task_id not in each.scheduled]
    held += [f"{names.tasks(waiting)} in unacked"] if waiting else []
    held += [f"{names.tasks(each.scheduled)} in unacked until its ETA"] if each.scheduled else []
    text = each.error or "; ".join(held) or "has none of the tasks"
    return JournalEntry(at_ns=each.at_ns, kind="snapshot", actor="broker", text=f"{text} (after {each.reason})")
