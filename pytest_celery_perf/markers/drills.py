"""The marker ``celery_drill``: which drills a test is run under, and what each demands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from unittest import TestCase

import pytest

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.markers.functions import celery_reliable
from pytest_celery_perf.model.arguments import flag, one_of, task_point
from pytest_celery_perf.model.drills import DRILLS
from pytest_celery_perf.model.spec import DrillBudget
from pytest_celery_perf.model.units import parse_duration_s
from pytest_celery_perf.names import DRILL


def celery_drill(
    *,
    name: str | None = None,
    task: Any = None,
    max_executions: int | None = None,
    overlap: bool = False,
    within: str | float | None = None,
    workers_alive: bool | None = None,
    declared_failures: Iterable[Any] = (),
    grace: str | float = "30s",
    outage: str | float = "1s",
    keep_data: bool = True,
    reset: bool = True,
    at: str = "started",
) -> DrillBudget:
    """Run the test in an emergency, and judge its tasks as celery_reliable does; write it once for each drill.

    The name (which needs no ``name=``) is deploy, broker_restart, network_partition, worker_oom, poison_pill, long_task
    or eta_beyond_visibility. Without one, the test runs under the drills of ``--celery-perf-drill``, and undisturbed if
    there are none. Own arguments: of deploy ``grace``; of broker_restart ``outage`` and ``keep_data``; of
    network_partition ``outage`` and ``reset``; of worker_oom and poison_pill ``at``.
    """
    drill = DRILLS[one_of(name, "name", *DRILLS)]
    common = celery_reliable(
        task=task,
        max_executions=drill.max_executions if max_executions is None else max_executions,
        overlap=overlap,
        within=within,
        workers_alive=drill.workers_alive if workers_alive is None else workers_alive,
        declared_failures=declared_failures,
    )
    return DrillBudget(
        drill=str(name),
        task=common.task,
        max_executions=common.max_executions,
        overlap=common.overlap,
        within_s=common.within_s,
        workers_alive=common.workers_alive,
        declared_failures=common.declared_failures,
        grace_s=parse_duration_s(grace, "grace"),
        outage_s=parse_duration_s(outage, "outage"),
        keep_data=flag(keep_data, "keep_data"),
        reset=flag(reset, "reset"),
        at=task_point(at, "at"),
    )


OWN = frozenset(option for drill in DRILLS.values() for option in drill.options)
"""The arguments that some drills have and others have not."""


def drills_of(item: pytest.Item | Any, chosen: Sequence[str]) -> list[str]:
    """Return the names of the drills under which a test is to run, each once.

    Args:
        item: The test, or the definition of the tests of one function.
        chosen: What ``--celery-perf-drill`` says.
    """
    given = [_name(mark) for mark in item.iter_markers(DRILL)][::-1]
    names = [each for name in given for each in (chosen if name is None else [name])]
    return list(dict.fromkeys(map(str, names)))


def mark_of(item: pytest.Item) -> pytest.Mark | None:
    """Return the marker of the drill under which a test runs, with the drill as its ``name=``; None if it has none.

    Raises:
        ConfigurationError: The marker cannot be used there, or has an argument that is not this drill's.
    """
    marks = list(item.iter_markers(DRILL))
    name = getattr(item, "callspec").params.get(DRILL) if hasattr(item, "callspec") else None  # noqa: B009 - private
    if not marks:
        return None
    if issubclass(getattr(item, "cls", None) or object, TestCase):
        raise ConfigurationError(
            f"@pytest.mark.{DRILL}: pytest cannot run a method of a unittest case several times: write a function"
        )
    for mark in marks:
        if len(mark.args) > 1:
            raise ConfigurationError(
                f"@pytest.mark.{DRILL}{mark.args}: one drill for each mark; write it once for each of them"
            )
    if name is None:
        return None
    named = next((mark for mark in marks if _name(mark) == name), None)
    mark = named or next(mark for mark in marks if _name(mark) is None)
    arguments = {key: value for key, value in mark.kwargs.items() if key != "name"}
    if named and name in DRILLS:
        for key in arguments:
            if key in OWN and key not in DRILLS[name].options:
                of = " and ".join(each for each, drill in DRILLS.items() if key in drill.options)
                raise ConfigurationError(f"@pytest.mark.{DRILL}({name!r}): {key}= is of {of}")
    return pytest.mark.celery_drill(**arguments, name=name).mark


def _name(mark: pytest.Mark) -> Any:
    return mark.args[0] if mark.args else mark.kwargs.get("name")
