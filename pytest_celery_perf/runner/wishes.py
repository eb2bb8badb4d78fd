"""What a test's messages ask of the workers that take them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from pytest_celery_perf.model.drills import DRILLS
from pytest_celery_perf.model.samples import GAUGES
from pytest_celery_perf.model.spec import Budget, DrillBudget, RetriesBudget, TestSpec, instruments_of
from pytest_celery_perf.probe.orders import FaultOrder
from pytest_celery_perf.probe.publish import Header


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What a test wants of every execution of its tasks, besides the record that each leaves."""

    time_scale: float | None = None
    """By how much countdowns of retries shrink; None for not at all."""
    etas: bool = False
    """Whether all delays shrink so, not only those of retries."""
    touch: bool = False
    """Whether each point is recorded at which it touches the outside world."""
    notice: bool = False
    """Whether its worker shall notice at once if the test kills its process."""
    closed: tuple[str, ...] = ()
    """Aliases of the databases that it must not use."""
    measure: tuple[str, ...] = ()
    """The instruments that measure it, and what else is watched meanwhile."""

    def header(self, token: str, faults: Iterable[FaultOrder]) -> Header:
        """Return what a message carries.

        Args:
            token: The test's.
            faults: What its task must suffer.
        """
        header: Header = {"t": token}
        if self.time_scale is not None:
            header["scale"] = self.time_scale
        for name in ("etas", "touch", "notice"):
            if getattr(self, name):
                header[name] = True
        if self.closed:
            header["closed"] = [*self.closed]
        if instruments := [name for name in self.measure if name not in GAUGES]:
            header["measure"] = instruments
        if orders := [asdict(order) for order in faults]:
            header["faults"] = orders
        return header


NO_WISHES = Wishes()


def wishes_of(spec: TestSpec, *, time_scale: float, measure: Iterable[str]) -> Wishes:
    """Return what a test wants of its executions.

    Args:
        spec: What its markers say.
        time_scale: By how much countdowns shrink, where they do.
        measure: What the settings ask to be measured and watched, whatever the test is.
    """
    etas = any(isinstance(budget, RetriesBudget) or _shortens_etas(budget) for budget in spec.budgets)
    return Wishes(
        time_scale=time_scale if spec.reruns or etas else None,
        etas=etas,
        touch=bool(spec.reruns),
        notice=spec.isolated,
        closed=spec.closed,
        measure=instruments_of(spec.budgets, (*measure, *spec.measure)),
    )


def _shortens_etas(budget: Budget) -> bool:
    return isinstance(budget, DrillBudget) and DRILLS[budget.drill].shortens_etas
