"""The markers for whose sake a test runs again and again, each time with another fault."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import (
    exception_name,
    flag,
    natural,
    one_of,
    sequence,
    task_name,
    text,
)
from pytest_celery_perf.model.spec import CrashSweepBudget, FaultSweepBudget, IdempotentBudget, RerunBudget
from pytest_celery_perf.model.units import parse_duration_s
from pytest_celery_perf.probe.raising import made, packed

POINTS = (
    *("started", "query", "commit", "rollback", "cache", "publish", "connect"),
    *("result", "finished", "acknowledgment"),
)
"""The kinds of touch points, see `model.record.Point`."""
IN_MAIN_PROCESS = "acknowledgment"
"""The kind of those that no child makes, and no task."""
ERRORS: Mapping[str, str] = MappingProxyType(
    {
        "query": "django.db.utils:OperationalError",
        "commit": "django.db.utils:OperationalError",
        "cache": "builtins:ConnectionError",
        "publish": "kombu.exceptions:OperationalError",
        "connect": "builtins:ConnectionError",
    }
)
"""What goes wrong at each kind of point where something may: what the libraries raise that make the connections."""
SQLALCHEMYS = "sqlalchemy.exc:OperationalError"
"""What goes wrong instead at a query or commit that is SQLAlchemy's."""
IN_SEQUENCE = "acknowledgment"
"""The point at which a message that is delivered again comes after the end of the first delivery."""
AT_ONCE = ("query", "commit", "rollback", "cache", "publish", "connect")
"""The kinds of points at which the second delivery may do all while the first one is in the midst of it."""
NO_WORK = ("started", "result", "finished")
"""The kinds before or after which a task does nothing: to deliver its message again there is to do so in sequence."""
SAID = "raised by celery_fault_sweep"


def celery_crash_sweep(
    *,
    task: Any = None,
    kill: str = "child",
    invariant: Callable[..., object] | None = None,
    volatile: Sequence[str] = (),
    outbound: int | None = None,
    max_executions: int = 2,
    points: Sequence[str] | None = None,
    sample: int | None = None,
    seed: int | None = None,
    budget: str | float | None = None,
) -> CrashSweepBudget:
    """Run the test once for each point where the task touches the outside world, killed there; all must end alike."""
    valid = tuple(each for each in POINTS if kill == "worker" or each != IN_MAIN_PROCESS)
    return CrashSweepBudget(
        task=task_name(task),
        kill=one_of(kill, "kill", "child", "worker"),
        **_common(
            invariant=invariant,
            volatile=volatile,
            outbound=outbound,
            max_executions=max_executions,
            sample=sample,
            seed=seed,
            budget=budget,
        ),
        points=valid if points is None else tuple(one_of(each, "points", *valid) for each in _kinds(points)),
    )


def celery_fault_sweep(
    *,
    task: Any = None,
    errors: Mapping[str, Any] | None = None,
    invariant: Callable[..., object] | None = None,
    volatile: Sequence[str] = (),
    outbound: int | None = None,
    max_executions: int = 2,
    points: Sequence[str] | None = None,
    sample: int | None = None,
    seed: int | None = None,
    budget: str | float | None = None,
) -> FaultSweepBudget:
    """Run the test once for each query and connection of the task, which fails there with an error; all end alike."""
    valid = tuple(ERRORS)
    chosen = valid if points is None else tuple(one_of(each, "points", *valid) for each in _kinds(points))
    given = {
        one_of(kind, "errors: key", *valid): _error(error, f"errors[{kind!r}]")
        for kind, error in _mapping(errors).items()
    }
    return FaultSweepBudget(
        task=task_name(task),
        errors=tuple((kind, *error) for kind, error in given.items()),
        **_common(
            invariant=invariant,
            volatile=volatile,
            outbound=outbound,
            max_executions=max_executions,
            sample=sample,
            seed=seed,
            budget=budget,
        ),
        points=chosen,
    )


def celery_idempotent(
    *,
    task: Any = None,
    at_once: bool = True,
    ids: str = "same",
    refusals: Sequence[Any] = (),
    invariant: Callable[..., object] | None = None,
    volatile: Sequence[str] = (),
    outbound: int | None = None,
    points: Sequence[str] | None = None,
    sample: int | None = None,
    seed: int | None = None,
    budget: str | float | None = None,
) -> IdempotentBudget:
    """Deliver the task's message twice, after its end and, to another worker, at each point; all must end as by one."""
    valid = (*AT_ONCE, IN_SEQUENCE) if flag(at_once, "at_once") else (IN_SEQUENCE,)
    return IdempotentBudget(
        task=task_name(task),
        at_once=at_once,
        ids=one_of(ids, "ids", "same", "new"),
        refusals=tuple(
            exception_name(each, "refusals") for each in sequence(refusals, "refusals", "exceptions or their names")
        ),
        **_common(
            invariant=invariant,
            volatile=volatile,
            outbound=outbound,
            max_executions=1,
            sample=sample,
            seed=seed,
            budget=budget,
        ),
        points=valid if points is None else tuple(one_of(each, "points", *valid) for each in _kinds(points)),
    )


def _common(
    *,
    invariant: Callable[..., object] | None,
    volatile: Sequence[str],
    outbound: int | None,
    max_executions: int,
    sample: int | None,
    seed: int | None,
    budget: str | float | None,
) -> dict[str, Any]:
    """Check the arguments that both markers take."""
    if invariant is not None and not callable(invariant):
        raise ConfigurationError(f"invariant={invariant!r} cannot be called: give a function")
    if seed is not None and sample is None:
        raise ConfigurationError(f"seed={seed!r} is that of a drawing: say how many points are drawn, as in sample=10")
    columns = sequence(volatile, "volatile", 'columns such as "shop_order.updated_at"')
    return {
        "invariant": invariant,
        "volatile": tuple(text(each, "volatile") for each in columns),
        "outbound": None if outbound is None else natural(outbound, "outbound", 0),
        "max_executions": natural(max_executions, "max_executions", 1),
        "sample": None if sample is None else natural(sample, "sample", 1),
        "seed": 0 if seed is None else natural(seed, "seed", 0),
        "budget_s": None if budget is None else _time(budget),
    }


def _time(budget: str | float) -> float:
    if time_s := parse_duration_s(budget, "budget"):
        return time_s
    raise ConfigurationError(
        f"budget={budget!r} leaves no time: give more than zero, or leave it out to try all points"
    )


def _kinds(points: Any) -> list[Any]:
    kinds = sequence(points, "points", "kinds of points")
    if not kinds:
        raise ConfigurationError("points=[] leaves nothing to try")
    return kinds


def _mapping(errors: Any) -> Mapping[str, Any]:
    if errors is not None and not isinstance(errors, Mapping):
        raise ConfigurationError(f"errors={errors!r} is not a dict from the kind of a point to an exception")
    return errors or {}


def _error(error: Any, what: str) -> tuple[str, str]:
    """Return the place of an exception's class and, if more than that was given, the exception as a text."""
    kind = error if isinstance(error, type) else type(error)
    if not issubclass(kind, Exception):
        raise ConfigurationError(f"{what}={error!r} is no exception of a library: give a subclass of Exception")
    if "<locals>" in kind.__qualname__:
        raise ConfigurationError(f"{what}={kind.__qualname__} is defined inside a function: no worker can import it")
    place = f"{kind.__module__}:{kind.__qualname__}"
    try:
        if isinstance(error, type):
            made(kind, (SAID,))
            return place, ""
    except Exception as refused:  # noqa: BLE001 - the user's class
        raise ConfigurationError(
            f"{what}={kind.__qualname__} cannot be made of a text ({refused}): give an instance of it"
        ) from None
    try:
        return place, packed(error)
    except Exception as refused:  # noqa: BLE001 - likewise
        raise ConfigurationError(
            f"{what}={error!r} does not reach a worker as it is, since it cannot be pickled ({refused}): "
            "give its class, or one that can be"
        ) from None


RERUNNING: dict[str, Callable[..., RerunBudget]] = {
    function.__name__: function for function in (celery_crash_sweep, celery_fault_sweep, celery_idempotent)
}
