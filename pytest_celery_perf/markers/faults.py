"""The marker ``celery_fault``: something that goes wrong at a point of a task."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import flag, natural, one_of, span_s, task_name, task_point
from pytest_celery_perf.model.faults import FAULT_KINDS, Need
from pytest_celery_perf.model.orders import FaultBudget
from pytest_celery_perf.model.spec import Budget

LASTING_S = 1.0
"""How long a fault lasts where nothing else is said."""
_IN_A_PROCESS = (Need.CHILDREN, Need.HARD_LIMITS, Need.RECYCLING, Need.MEMORY)
"""What faults need that strike in the process which runs a task."""


def celery_fault(
    *,
    kind: str = "",
    at: str = "started",
    task: Any = None,
    times: int = 1,
    lasting: str | float | None = None,
    keep_data: bool = True,
) -> FaultBudget:
    """Have something go wrong at a point of the task; stacks. It must happen, the other markers judge what follows."""
    known = FAULT_KINDS[one_of(kind, "kind", *FAULT_KINDS)]
    if task_point(at, "at") == "received" and known.need in _IN_A_PROCESS:
        raise ConfigurationError(f'at="received" with kind={kind!r}: no process runs the task yet; use at="started"')
    if lasting is not None and not known.lasts:
        lasts = ", ".join(name for name, each in FAULT_KINDS.items() if each.lasts)
        raise ConfigurationError(f"lasting={lasting!r} with kind={kind!r}: it is over at once; {lasts} last")
    if not flag(keep_data, "keep_data") and kind != "kill_broker":
        raise ConfigurationError(f'keep_data=False with kind={kind!r}: it is for kind="kill_broker"')
    return FaultBudget(
        task=task_name(task),
        kind=kind,
        at=at,
        times=natural(times, "times", 1),
        lasting_s=LASTING_S if lasting is None else span_s(lasting, "lasting"),
        keep_data=keep_data,
    )


def check(budgets: Iterable[Budget]) -> None:
    """Refuse faults of which nobody could tell, once one has struck, which it was.

    Raises:
        ConfigurationError: Two may strike at one point of one task, and are recorded alike.
    """
    for one, other in combinations((each for each in budgets if isinstance(each, FaultBudget)), 2):
        if one.coincides(other):
            kinds = " and ".join(dict.fromkeys((f"kind={one.kind!r}", f"kind={other.kind!r}")))
            raise ConfigurationError(
                f"@pytest.mark.celery_fault: {kinds} would strike {one.task or other.task or 'any task'} twice "
                f"at={one.at!r}, and be taken for each other: use one of them with times=, or give each its own task="
            )
