"""Words for lists, counts and names, so that sentences about them read well."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from pytest_celery_perf.model.situation import PendingTask, WorkerState

_NAMES = 3
"""How many names of tasks a sentence can bear."""


def quoted(name: str) -> str:
    """Set a name off from the words around it."""
    return f'"{name}"'


def join(items: Iterable[str]) -> str:
    """Join words: ``a, b and c``."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def count(number: int, noun: str, singular: str, plural: str) -> str:
    """Say how many do what: ``1 task waits``, ``12 tasks wait``."""
    return f"1 {noun} {singular}" if number == 1 else f"{number} {noun}s {plural}"


def who(tasks: Sequence[PendingTask]) -> str:
    """Name tasks: one by its id, many by their names and the first one's id."""
    first = tasks[0]
    if len(tasks) == 1:
        return f"{first.name}[{first.task_id}]"
    names = Counter(task.name for task in tasks)
    if len(names) == 1:
        return f"{first.name}, for example {first.task_id}"
    most = [f"{number} {name}" for name, number in names.most_common(_NAMES)]
    rest = sum(names.values()) - sum(number for _, number in names.most_common(_NAMES))
    named = join([*most, f"{rest} more"] if rest else most)
    return f"{named}, for example {first.name}[{first.task_id}]"


def beyond_warmup(warmup: int) -> str:
    """Say how any executions are left to judge."""
    return (
        f"run the task more often than warmup={warmup} in each process (which max_tasks_per_child must allow), or "
        "lower warmup"
    )


def load(worker: WorkerState) -> str:
    """Say how busy a worker is: ``execution@host runs 2 of at most 8 tasks``."""
    most = "" if worker.concurrency is None else f" of at most {worker.concurrency}"
    return f"{worker.name} runs {worker.busy}{most} tasks"


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """Find the name that may have been meant.

    Args:
        name: One that does not exist.
        candidates: Those that do.

    Returns:
        A candidate with the same last part (``tasks.pay`` for ``shop.tasks.pay``), else one
        that is spelt much alike, else None.
    """
    others = sorted(set(candidates) - {name})
    last = name.rpartition(".")[2]
    same = [other for other in others if other.rpartition(".")[2] == last]
    return next(iter(same or difflib.get_close_matches(name, others, n=1, cutoff=0.75)), None)
