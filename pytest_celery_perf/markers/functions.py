"""The markers: a function each, whose signature is what the marker takes.

A function turns the marker's arguments into a value of `model.spec`, or raises
`ConfigurationError`. The help of ``pytest --markers`` is made of the signatures and docstrings here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.markers.faults import celery_fault
from pytest_celery_perf.markers.rates import RATES
from pytest_celery_perf.markers.recovery import celery_recovery
from pytest_celery_perf.markers.resources import celery_cpu, celery_memory
from pytest_celery_perf.markers.retries import celery_retries
from pytest_celery_perf.markers.scaling import celery_scaling
from pytest_celery_perf.markers.uses import USES
from pytest_celery_perf.model.arguments import (
    exception_name,
    flag,
    items,
    json_text,
    natural,
    one_of,
    sequence,
    span_s,
    task_name,
    text,
)
from pytest_celery_perf.model.spec import (
    Budget,
    LatencyBudget,
    QueriesBudget,
    ReliableBudget,
    RoutingBudget,
    WorkerSpec,
)
from pytest_celery_perf.model.units import parse_duration_s, parse_size_bytes

VERBS = ("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "REPLACE", "TRUNCATE", "CALL", "COPY")
"""What `celery_queries` counts apart; a misspelt one would never be over its budget."""
MOST_PRIORITY = 9


def celery_worker(
    *,
    name: str = "worker",
    queues: str | Sequence[str] | None = None,
    pool: str | None = None,
    concurrency: int | None = None,
    prefetch: int | None = None,
    options: str = "",
    config: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
    runtime: str = "process",
    image: str | None = None,
    dockerfile: str | None = None,
    cpus: float | None = None,
    memory: str | int | None = None,
    start: str = "auto",
    network: bool | str = False,
) -> WorkerSpec:
    """Run the test on a worker of its own, instead of those of the ini file; several make a topology."""
    from pytest_celery_perf.worker.options import NODE_NAME, from_arguments

    for number, what, least in ((concurrency, "concurrency", 1), (prefetch, "prefetch", 0)):
        if number is not None:
            natural(number, what, least)
    if not NODE_NAME.fullmatch(text(name, "name")):
        raise ConfigurationError(f"name={name!r} is not made of letters, digits, dots, hyphens and underscores")
    given = from_arguments(
        queues=None if queues is None else _queues(queues),
        pool=pool,
        concurrency=concurrency,
        prefetch=prefetch,
        options=text(options, "options"),
        what="options",
    )
    settings = items(config, "config")
    for setting, value in settings:
        if setting == "worker_pool":  # Celery chooses the pool before a worker's settings can be changed
            raise ConfigurationError(f"config[{setting!r}]={value!r} comes too late for the worker: say pool=")
    if not isinstance(network, bool) and network != "bridge":
        raise ConfigurationError(f'network={network!r} is not True, False or "bridge"')
    bridge = None if isinstance(network, bool) else network
    if one_of(runtime, "runtime", "process", "container") == "process":
        _only_in_containers(image=image, dockerfile=dockerfile, cpus=cpus, memory=memory, network=bridge)
    else:
        _check_container(image, dockerfile, cpus)
    return WorkerSpec(
        name=name,
        options=given,
        runtime=runtime,
        start=one_of(start, "start", "auto", "warm", "cold"),
        config=tuple((setting, json_text(value, f"config[{setting!r}]")) for setting, value in settings),
        env=tuple((variable, text(value, f"env[{variable!r}]")) for variable, value in items(env, "env")),
        image=image,
        dockerfile=dockerfile,
        cpus=cpus,
        memory_bytes=None if memory is None else parse_size_bytes(memory, "memory"),
        network=bool(network),
        bridge=bridge is not None,
    )


def _queues(value: Any) -> list[str]:
    """Return the names of queues, which may be one text with commas."""
    names = value.split(",") if isinstance(value, str) else sequence(value, "queues", "names of queues")
    names = [text(name, "queues: name") for name in names]
    if not all(map(str.strip, names)) or not names:
        raise ConfigurationError(
            f'queues={value!r} has no name, or an empty one: give some, such as "a,b", or leave it out'
        )
    return names


def _check_container(image: str | None, dockerfile: str | None, cpus: Any) -> None:
    if (image is None) == (dockerfile is None):
        raise ConfigurationError('runtime="container" needs image= or dockerfile=, one of the two')
    if dockerfile is not None and not (path := Path.cwd() / text(dockerfile, "dockerfile")).is_file():
        raise ConfigurationError(f"dockerfile={dockerfile!r}: there is no {path}")
    if cpus is not None and (isinstance(cpus, bool) or not isinstance(cpus, int | float) or not 0 < cpus < math.inf):
        raise ConfigurationError(f"cpus={cpus!r} is not a finite number above 0, such as 0.5")


def _only_in_containers(**arguments: object) -> None:
    for argument, value in arguments.items():
        if value is not None:
            raise ConfigurationError(f'{argument}={value!r} needs runtime="container"')


def celery_queries(
    *,
    task: Any = None,
    max: int | None = None,
    exact: int | None = None,
    using: Mapping[str, int] | None = None,
    no_n_plus_one: bool = False,
    verbs: Mapping[str, int] | None = None,
    slowest: str | float | None = None,
    connects: int | None = None,
    warmup: int = 0,
) -> QueriesBudget:
    """Bound the database queries of the task's body, per execution, counted in the worker; or how long one may take.

    ``connects`` bounds the connections that an execution opens: 0 with ``warmup=1`` where a process keeps its own; on
    threads and gevent the warm-up is as many connections as the process had executions at once.

    An N+1 is a SELECT that one execution sends twice from the same call stack; batches (``executemany``,
    and lists or limits of 100 or more) are none. ``slowest`` is the time until the cursor is ready: on SQLite that is
    until the first row.
    """
    budget = QueriesBudget(
        task=task_name(task),
        max=None if max is None else natural(max, "max", 0),
        exact=None if exact is None else natural(exact, "exact", 0),
        using=tuple((alias, natural(n, f"using[{alias!r}]", 0)) for alias, n in items(using, "using")),
        no_n_plus_one=flag(no_n_plus_one, "no_n_plus_one"),
        verbs=tuple(
            (one_of(verb.upper(), "verbs: key", *VERBS), natural(n, f"verbs[{verb!r}]", 0))
            for verb, n in items(verbs, "verbs")
        ),
        slowest_s=None if slowest is None else parse_duration_s(slowest, "slowest"),
        connects=None if connects is None else natural(connects, "connects", 0),
        warmup=natural(warmup, "warmup", 0),
    )
    if not (any(each is not None for each in (max, exact, slowest, connects)) or using or no_n_plus_one or verbs):
        raise ConfigurationError(
            "nothing to judge: give max=, exact=, using=, verbs=, slowest=, connects= or no_n_plus_one=True"
        )
    if budget.max is not None and budget.exact is not None and budget.max < budget.exact:
        raise ConfigurationError(
            f"max={max!r} is below exact={exact!r}, so that no figure suits both: give one of them"
        )
    return budget


def celery_latency(
    *,
    task: Any = None,
    phase: str = "runtime",
    p50: str | float | None = None,
    p95: str | float | None = None,
    p99: str | float | None = None,
    max: str | float | None = None,
) -> LatencyBudget:
    """Bound the percentiles of a phase: runtime, queue, prefetch or end_to_end."""
    limits = {"p50": p50, "p95": p95, "p99": p99, "max": max}
    if all(limit is None for limit in limits.values()):
        raise ConfigurationError('nothing to judge: give p50=, p95=, p99= or max=, such as p95="250ms"')
    seconds = {name: None if limit is None else parse_duration_s(limit, name) for name, limit in limits.items()}
    return LatencyBudget(
        task=task_name(task),
        phase=one_of(phase, "phase", "runtime", "queue", "prefetch", "end_to_end"),
        p50_s=seconds["p50"],
        p95_s=seconds["p95"],
        p99_s=seconds["p99"],
        max_s=seconds["max"],
    )


def celery_reliable(
    *,
    task: Any = None,
    max_executions: int = 1,
    overlap: bool = False,
    within: str | float | None = None,
    workers_alive: bool = True,
    declared_failures: Iterable[Any] = (),
) -> ReliableBudget:
    """Judge what any faults did to the tasks: none lost or stranded, none too often, too late or twice at once."""
    return ReliableBudget(
        task=task_name(task),
        max_executions=natural(max_executions, "max_executions", 1),
        overlap=flag(overlap, "overlap"),
        within_s=None if within is None else span_s(within, "within"),
        workers_alive=flag(workers_alive, "workers_alive"),
        declared_failures=tuple(
            exception_name(each, "declared_failures")
            for each in sequence(declared_failures, "declared_failures", "exceptions or their names")
        ),
    )


def celery_routing(
    *,
    task: Any = None,
    queue: str | None = None,
    priority: int | None = None,
    order: Sequence[Any] = (),
) -> RoutingBudget:
    """Judge the queue and the priority of a task, or who starts first out of a backlog."""
    if queue is None and priority is None and not order:
        raise ConfigurationError("nothing to judge: give queue=, priority= or order=[task, …]")
    if queue is not None and not text(queue, "queue").strip():
        raise ConfigurationError(f"queue={queue!r} is no name of a queue")
    return RoutingBudget(
        task=task_name(task),
        queue=queue,
        priority=None if priority is None else _priority(priority),
        order=_order(order),
    )


def _order(value: Any) -> tuple[str, ...]:
    """Return the names of tasks of which each must start before the next."""
    tasks = sequence(value, "order", "tasks or their names")
    if len(tasks) == 1:
        raise ConfigurationError(f"order={tasks!r}: an order needs at least two tasks")
    names = [task_name(each) or "" for each in tasks]
    if "" in names:
        raise ConfigurationError(f"order={tasks!r}: None is no task")
    if repeated := [name for number, name in enumerate(names) if name in names[:number]]:
        raise ConfigurationError(f"order: {repeated[0]!r} is there twice, and nothing starts before itself")
    return tuple(names)


def _priority(value: Any) -> int:
    """Check a priority.

    Source:
        ``kombu.transport.virtual.base.Channel.max_priority``: what is beyond counts as that.
    """
    if natural(value, "priority", 0) > MOST_PRIORITY:
        raise ConfigurationError(
            f"priority={value!r} is not a whole number from 0 to {MOST_PRIORITY}, as Redis has them"
        )
    return int(value)


JUDGING: dict[str, Callable[..., Budget]] = {
    function.__name__: function
    for function in (
        celery_queries,
        celery_latency,
        *RATES,
        celery_retries,
        celery_recovery,
        celery_reliable,
        celery_fault,
        celery_routing,
        *USES,
        celery_memory,
        celery_cpu,
        celery_scaling,
    )
}
