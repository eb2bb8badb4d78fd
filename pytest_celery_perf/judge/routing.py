"""Judges ``celery_routing``: the queue and the priority of each message, and who starts first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.judge.order import REDIS_ORDER, judge_order
from pytest_celery_perf.judge.subjects import Subject, judge_each, shortened
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Publication
from pytest_celery_perf.model.spec import RoutingBudget
from pytest_celery_perf.model.verdict import Check, Verdict

MARKER = "celery_routing"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    """One message as it was sent."""

    who: str
    queue: str
    priority: int | None


def judge(budget: RoutingBudget, history: History, root: Path | None = None) -> tuple[Verdict, ...]:
    """Judge where each message of a task went, retries included, and the order of a backlog.

    Args:
        budget: What is demanded.
        history: What happened.
        root: The folder that paths are shown relative to.
    """
    verdicts: tuple[Verdict, ...] = ()
    if budget.queue is not None or budget.priority is not None:
        verdicts = judge_each(MARKER, budget, history, root, _judge_task)
    return (*verdicts, judge_order(MARKER, budget.order, history)) if budget.order else verdicts


def _judge_task(budget: RoutingBudget, subject: Subject) -> Verdict:
    messages = list(_messages(subject))
    checks, wrong, fix = [], [], []
    if budget.queue is not None:
        astray = [each for each in messages if each.queue != budget.queue]
        checks.append(_check("queue", budget.queue, [each.queue for each in messages], ok=not astray))
        wrong += astray
        fix += _route(subject, "queue", repr(budget.queue), some=0 < len(astray) < len(messages)) if astray else []
    if budget.priority is not None:
        astray = [each for each in messages if (each.priority or 0) != budget.priority]
        given = ["none" if each.priority is None else str(each.priority) for each in messages]
        checks.append(_check("priority", str(budget.priority), given, ok=not astray))
        wrong += astray
        fix += _route(subject, "priority", str(budget.priority), some=0 < len(astray) < len(messages)) if astray else []
    evidence = [
        *shortened(list(dict.fromkeys(wrong)), _told),
        *(_consumers(subject, budget.queue) if wrong and budget.queue else ()),
        *([REDIS_ORDER] if budget.priority is not None else []),
    ]
    return subject.verdict(checks, evidence, fix)


def _messages(subject: Subject) -> Iterator[_Message]:
    """Yield each message that was published, or else received."""
    for life in subject.lives:
        sent: tuple[Publication | Execution, ...] = life.publications or life.executions
        for each in sent:
            attempt = f" attempt {each.retries + 1}" if each.retries else ""
            yield _Message(who=f"{life.label}{attempt}", queue=each.queue or "no queue", priority=each.priority)


def _told(message: _Message) -> str:
    priority = "none" if message.priority is None else message.priority
    return f"{message.who} went to {message.queue}, priority {priority}"


def _check(metric: str, wanted: str, given: list[str], *, ok: bool) -> Check:
    counts = Counter(given)
    actual = next(iter(counts)) if len(counts) == 1 else ", ".join(f"{value} ×{n}" for value, n in counts.most_common())
    return Check(metric=metric, budget=f"= {wanted}", actual=actual, ok=ok)


def _route(subject: Subject, key: str, value: str, *, some: bool) -> list[str]:
    """Say where the queue or the priority of a message comes from."""
    if some:
        return [f"not all messages are wrong: look for apply_async({key}=…) and self.retry({key}=…) at the calls"]
    # The decorator takes both too, but Celery 5.7 deprecates that (``Task.bind``).
    return [f"set task_routes = {{'{subject.name}': {{'{key}': {value}}}}}"]


def _consumers(subject: Subject, queue: str) -> Iterator[str]:
    """Say who consumes the queue that was wanted."""
    consumers = [worker.name for worker in subject.history.workers if queue in worker.queues]
    if subject.history.workers and not consumers:
        yield f"no worker that ran a task of this test consumes {queue}"
