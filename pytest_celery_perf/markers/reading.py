"""From the marks of a test to what it asks for. Done at collection, so a mistake is told before any test runs."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.markers import drills, faults, regression
from pytest_celery_perf.markers.functions import JUDGING, celery_worker
from pytest_celery_perf.markers.sweeps import RERUNNING
from pytest_celery_perf.measure.registry import INSTRUMENTS_OF, METRICS
from pytest_celery_perf.model.drills import DRILLS
from pytest_celery_perf.model.metric import Unit
from pytest_celery_perf.model.rates import ShareBudget, ThroughputBudget
from pytest_celery_perf.model.scaling import ScalingBudget
from pytest_celery_perf.model.spec import Budget, IdempotentBudget, PercentileBudget, TestSpec, WorkerSpec
from pytest_celery_perf.names import MARKERS, SCALING, SIZE
from pytest_celery_perf.probe.instruments import OBTRUSIVE
from pytest_celery_perf.worker.twin import with_twins

if TYPE_CHECKING:
    import pytest


_OBTRUSIVE = frozenset(OBTRUSIVE)


def help_lines() -> list[str]:
    """Return a line for each marker, as ``pytest --markers`` shows them."""
    lines = []
    functions: list[Callable[..., Any]] = [
        celery_worker,
        *JUDGING.values(),
        drills.celery_drill,
        *RERUNNING.values(),
        regression.celery_regression,
    ]
    for function in functions:
        signature = inspect.signature(function)
        arguments = ", ".join(f"{name}={parameter.default!r}" for name, parameter in signature.parameters.items())
        lines.append(f"{function.__name__}({arguments}): {inspect.getdoc(function)}")
    return lines


def read(item: pytest.Item, default_workers: tuple[WorkerSpec, ...]) -> TestSpec:
    """Read the markers of a test.

    Args:
        item: The test.
        default_workers: The topology of a test that has no ``celery_worker`` marker.

    Returns:
        What the test asks for.

    Raises:
        ConfigurationError: A marker is wrong; the text names it.
    """
    # The closest marker comes first; people read topologies from top to bottom.
    marks = [mark for mark in item.iter_markers() if mark.name in MARKERS][::-1]
    workers = [_call(celery_worker, mark) for mark in marks if mark.name == "celery_worker"]
    names = [worker.name for worker in workers]
    if len(set(names)) < len(names):
        raise ConfigurationError(
            f"@pytest.mark.celery_worker: several workers of one name ({', '.join(names)}): give each its own name="
        )
    judging = [mark.name for mark in marks if mark.name in JUDGING]
    budgets = [_call(JUDGING[mark.name], mark) for mark in marks if mark.name in JUDGING]
    _check_times([*zip(judging, budgets, strict=True)])
    faults.check(budgets)
    reruns = [_call(RERUNNING[mark.name], mark) for mark in marks if mark.name in RERUNNING]
    drill = None
    if (mark := drills.mark_of(item)) is not None:
        budgets.append(budget := _call(drills.celery_drill, mark))
        drill = DRILLS[budget.drill]
    compared = regression.mark_of(item)
    fixtures = getattr(item, "fixturenames", ())
    isolated = "celery_faults" in fixtures or drill is not None
    topology = tuple(workers) or default_workers
    if "celery_network" in fixtures or (drill is not None and drill.network):
        topology = tuple(replace(worker, network=True) for worker in topology)
    if any(isinstance(budget, IdempotentBudget) and budget.at_once for budget in reruns):
        topology = with_twins(topology)
    scaling = [each for each in budgets if isinstance(each, ScalingBudget)]
    spec = TestSpec(
        isolated=isolated,
        workers=topology,
        budgets=tuple(budgets),
        reruns=tuple(reruns),
        measure=tuple(name for each in scaling for name in INSTRUMENTS_OF.get(each.metric, ())),
        sizes=_sizes([each.sizes for each in scaling], fixtures, swept=bool(reruns)),
        regression=compared and _call(regression.celery_regression, compared),
    )
    regression.check(item, spec)
    return spec


def _check_times(judging: list[tuple[str, Budget]]) -> None:
    """Refuse to judge times where calls are counted, which makes tasks many times slower."""
    counting = [name for name, budget in judging if not _OBTRUSIVE.isdisjoint(_needs(budget))]
    timed = [name for name, budget in judging if _is_of_time(budget)]
    if counting and timed:
        raise ConfigurationError(
            f"@pytest.mark.{counting[0]}: to count calls slows the task down, @pytest.mark.{timed[0]} is about time: "
            "write two tests"
        )


def _needs(budget: Budget) -> tuple[str, ...]:
    return INSTRUMENTS_OF.get(budget.metric, ()) if isinstance(budget, ScalingBudget) else budget.instruments


def _is_of_time(budget: Budget) -> bool:
    if isinstance(budget, ScalingBudget):
        return METRICS[budget.metric].unit is Unit.SECONDS or budget.metric == "cpu_share"
    return isinstance(budget, (PercentileBudget, ThroughputBudget, ShareBudget))


def _sizes(given: list[tuple[int, ...]], fixtures: Sequence[str], *, swept: bool) -> tuple[int, ...]:
    """Return the sizes for which a test runs, which its markers must agree about."""
    where = f"@pytest.mark.{SCALING}"
    if not given and SIZE in fixtures:
        raise ConfigurationError(f"{SIZE} is one of the sizes of {where}(sizes=[…]), which the test has not")
    if given and SIZE not in fixtures:
        raise ConfigurationError(
            f"{where}: neither the test nor a fixture of its takes {SIZE}, so its data do not grow"
        )
    if given and swept:
        raise ConfigurationError(f"{where}: a sweep of the same test runs it for other reasons: write two tests")
    if len({*given}) > 1:
        listed = " and ".join(str([*each]) for each in given)
        raise ConfigurationError(f"{where}: the test runs once for each size, and its markers name others: {listed}")
    return given[0] if given else ()


def _call(function: Callable[..., Any], mark: pytest.Mark) -> Any:
    where = f"@pytest.mark.{mark.name}"
    valid = list(inspect.signature(function).parameters)
    if mark.args:
        raise ConfigurationError(f"{where}: {mark.args[0]!r} has no name; arguments are keywords: {', '.join(valid)}")
    if unknown := [name for name in mark.kwargs if name not in valid]:
        raise ConfigurationError(f"{where}: there is no {unknown[0]}=; valid are {', '.join(valid)}")
    try:
        return function(**mark.kwargs)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise ConfigurationError(f"{where}({_arguments(mark)}): {error}") from None


def _arguments(mark: pytest.Mark) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in mark.kwargs.items())
