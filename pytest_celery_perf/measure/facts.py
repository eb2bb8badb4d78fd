"""What the tasks of a test did, counted exactly: a history becomes facts that are the same in every run.

No times, no ids, no ports: only what depends on the code. Where a count belongs to nobody (a crash, a pool that tasks
share), its kind is left out rather than guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import ip_address

from pytest_celery_perf.measure.fingerprint import readable
from pytest_celery_perf.measure.lives import Fate, Life, lives
from pytest_celery_perf.measure.outbound import calls_of
from pytest_celery_perf.measure.queries import Statement, profile
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.lock import Bounds, TaskFacts, TestFacts
from pytest_celery_perf.model.record import Execution, Outcome

INSTRUMENTS = ("cache", "outbound", "requests")
"""What executions are measured with for the sake of their facts. That which counts calls slows them down too much."""

_WHOLE = 1 << 20
"""A statement is not cut: two that begin alike are two."""
_CACHE = {"hit": ("gets",), "miss": ("gets", "misses"), "set": ("sets",), "touch": ("sets",), "delete": ("deletes",)}

Tally = Iterator[tuple[str, int, Frame | None]]
"""What was done, how often, and from which line."""


def facts_of(history: History, environment: str) -> TestFacts:
    """Count what the tasks of a test did, those that they published included.

    Args:
        history: What happened.
        environment: The versions on which a count of Python calls depends.
    """
    every: dict[str, list[Life]] = {}
    for life in lives(history):
        every.setdefault(life.name, []).append(life)
    published = _published(history)
    return TestFacts(tasks={name: _of_task(every[name], published, environment) for name in sorted(every)})


def lasts_by_the_clock(history: History) -> bool:
    """Tell whether a schedule decided how many tasks there were, so that no two runs are alike."""
    return any(publication.intended_ns is not None for publication in history.publications)


def places(history: History, task: str, kind: str, name: str) -> tuple[tuple[Frame, int], ...]:
    """Return the lines that did something, with how often each was seen to, the most frequent first.

    Args:
        history: What happened.
        task: The name of the task.
        kind: One of `model.lock.KINDS`.
        name: What was done.
    """
    seen: Counter[Frame] = Counter()
    for execution in history.named(task):
        for what, times, where in _SEEN.get(kind, _nothing)(execution):
            if what == name and where is not None:
                seen[where] += times
    return tuple(seen.most_common())


def _of_task(every: Sequence[Life], published: Callable[[str], Counter[str]], environment: str) -> TaskFacts:
    started = [execution for life in every for execution in life.started]
    outcomes = Counter(execution.outcome for execution in started)
    fates = Counter(life.fate for life in every)  # a worker may also refuse a task before it begins
    tally = {
        "executions": len(started),
        "failures": outcomes[Outcome.FAILED],
        "ignored": fates[Fate.IGNORED],
        "rejected": fates[Fate.REJECTED],
        "revoked": fates[Fate.REVOKED],
        "retries": outcomes[Outcome.RETRIED],
    }
    kinds = {"published": Counter[str]()}
    for life in every:
        kinds["published"] += published(life.task_id)
    complete = bool(started) and all(execution.ended_ns is not None for execution in started)
    if complete and all(each.queries_counted and not each.unattributed_queries for each in started):
        kinds["queries"] = _counted(_queries, started)
    if complete and all(each.figures.cache is not None for each in started):
        kinds["cache"] = _counted(_cache, started)
    if complete and all(calls_of(each) is not None for each in started):
        kinds["outbound"] = _counted(_outbound, started)
    if complete and (calls := [each.figures.calls for each in started]) and all(calls):
        kinds["calls"] = Counter({environment: sum(each.count for each in calls if each is not None)})
    return TaskFacts(
        tally=_exactly(tally),
        kinds={kind: _exactly(counts) for kind, counts in sorted(kinds.items())},
    )


def _exactly(counts: dict[str, int]) -> dict[str, Bounds]:
    return {name: Bounds.exactly(number) for name, number in sorted(counts.items()) if number}


def _published(history: History) -> Callable[[str], Counter[str]]:
    """Find what each task published, its own next attempts apart."""
    children: dict[str, Counter[str]] = {}
    for each in history.publications:
        if each.parent_id is not None and each.retries == 0:
            children.setdefault(each.parent_id, Counter())[each.name] += 1
    return lambda task_id: children.get(task_id, Counter())


def _counted(seen: Callable[[Execution], Tally], executions: Iterable[Execution]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for execution in executions:
        for what, times, _ in seen(execution):
            counts[what] += times
    return counts


def _queries(execution: Execution) -> Tally:
    for statement in profile(execution).statements:
        name = _name(statement)
        sampled = [(stack[0], calls) for stack, calls in statement.stacks if stack]
        for where, calls in sampled:
            yield name, calls, where
        # Not every call's stack is looked at.
        yield name, statement.count - sum(calls for _, calls in sampled), None


def _name(statement: Statement) -> str:
    text = readable(statement.fingerprint, _WHOLE)
    return text if statement.alias == "default" else f"{statement.alias}: {text}"


def _cache(execution: Execution) -> Tally:
    use = execution.figures.cache
    for call in use.calls if use else ():
        for what in _CACHE[call.event]:
            yield what, call.times, call.where


def _outbound(execution: Execution) -> Tally:
    calls = calls_of(execution)
    for call in calls.made if calls else ():
        yield _host(call.peer), call.times, call.where


def _host(peer: str) -> str:
    """Name a host as it is called in every run: a server of the tests has a port of its own in each."""
    host, _, port = peer.rpartition(":")
    if peer.startswith("/") or not host:
        return "a socket file"
    return "localhost" if _is_loopback(host) else f"{host}:{port}"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _nothing(_: Execution) -> Tally:
    yield from ()


_SEEN: dict[str, Callable[[Execution], Tally]] = {"queries": _queries, "cache": _cache, "outbound": _outbound}
