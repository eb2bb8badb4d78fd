"""Why tasks did not finish, told as a colleague would who has looked around.

Every unfinished task gets one cause: the first of `CAUSES` that fits it. Tasks of the same
cause share a paragraph, and each paragraph ends with what to try.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pytest_celery_perf.judge.causes import CAUSES
from pytest_celery_perf.judge.causes.queue import silence
from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.model.situation import PendingTask, Situation
from pytest_celery_perf.model.units import format_duration_s


def diagnose(situation: Situation) -> str:
    """Explain why waiting was in vain.

    Args:
        situation: How things stood when the waiting was given up.

    Returns:
        A headline and a paragraph per cause, the likeliest first; empty if every task
        that was to be published has finished.
    """
    paragraphs = list(_paragraphs(situation))
    return "\n\n".join([_headline(situation), *paragraphs]) if paragraphs else ""


def _headline(situation: Situation) -> str:
    published = situation.published - len(situation.unsent)
    if not published:
        return "Nothing was published."
    if not situation.pending:
        return f"Not every task was published ({published} were)."
    tasks = f"{published} task" + "s" * (published != 1)
    return f"{len(situation.pending)} of {tasks} had not finished after {format_duration_s(situation.waited_s)}."


def _paragraphs(situation: Situation) -> Iterator[str]:
    rest = situation.pending
    for cause in CAUSES:
        groups: dict[str, list[PendingTask]] = {}
        for task in rest:
            if (group := cause.fits(task, situation)) is not None:
                groups.setdefault(group, []).append(task)
        for tasks in groups.values():
            yield _paragraph(cause.tell(tasks, situation))
        told = {task.task_id for tasks in groups.values() for task in tasks}
        rest = tuple(task for task in rest if task.task_id not in told)
    if situation.unsent:
        yield _paragraph(_tell_unsent(situation))
    if situation.on_commit_callbacks:
        yield _paragraph(_tell_uncommitted(situation.on_commit_callbacks))
    elif not situation.published and situation.rolled_back:
        yield _paragraph(_tell_rolled_back(situation.rolled_back))
    elif not situation.published:
        yield _paragraph(_tell_unpublished())


def _paragraph(lines: Iterable[str]) -> str:
    first, *others = lines
    return "\n".join([first, *(f"  {line}".rstrip() for line in others)])


def _tell_unsent(situation: Situation) -> Iterator[str]:
    names = join(dict.fromkeys(situation.unsent))
    if situation.broker_answers:
        yield f"Publishing {names} raised an exception; the broker answers by now."
        yield "try: does the task's serializer know the arguments? Did the connection to the broker break?"
        return
    yield f"Publishing {names} raised an exception: the broker of this test has died, or hangs."
    yield silence(situation)
    yield "try: what ended it? To see what becomes of tasks without a broker, let celery_faults.broker.kill() or"
    yield "     .pause() do it: the test then has a broker of its own."


def _tell_uncommitted(callbacks: int) -> Iterator[str]:
    who, it = ("1 function waits", "it") if callbacks == 1 else (f"{callbacks} functions wait", "they")
    yield f"{who} for transaction.on_commit in a transaction that never commits: the test's own. So {it} never ran."
    yield "try: @pytest.mark.django_db(transaction=True), so that the test's transactions really commit."


def _tell_rolled_back(callbacks: int) -> Iterator[str]:
    who, they = ("1 function was", "it") if callbacks == 1 else (f"{callbacks} functions were", "they")
    yield f"{who} given to transaction.on_commit in a transaction that was rolled back. So {they} never ran."
    yield "try: let it commit: does an exception leave its atomic() block, or is set_rollback(True) called?"
    yield "try: if it shall be rolled back, nothing is sent in production either: this test has no task to judge."


def _tell_unpublished() -> Iterator[str]:
    yield "No task was sent to the broker, neither by the test nor by what it called."
    yield "try: does the code under test get as far as .delay() or .apply_async()?"
    yield "try: .apply() and a direct call run a task in the test's own process; no worker sees it."
