"""How many tasks a second a topology bears."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pytest_celery_perf.model.load import CapacityFigures, Step
from pytest_celery_perf.model.metric import format_rate
from pytest_celery_perf.model.units import format_duration_s, parse_rate_per_s


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Capacity:
    """The rate that a topology bears, from one open loop for each of several rates."""

    budget_s: float
    """That of the 95th percentile."""
    workers: int
    """How many workers there were."""
    steps: tuple[Step, ...]
    """In the order in which they were tried."""

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # from Python 3.12 on
        """Tell what was found in a line, as a failed assertion shows it."""
        bears = "nothing that was tried" if self.rate is None else format_rate(self.rate)
        budget = f"p95 ≤ {format_duration_s(self.budget_s)}"
        workers = f"{self.workers} worker{'s' * (self.workers != 1)}"
        return f"Capacity({workers}, {budget}: bears {bears}, breaks {self._where_it_breaks()})"

    def _where_it_breaks(self) -> str:
        broke = min((each for each in self.steps if not each.held), key=lambda each: each.rate_per_s, default=None)
        if broke is None:
            return "not at any rate that was tried"
        failures = f", where {broke.failed} task{'s' * (broke.failed != 1)} failed" if broke.failed else ""
        return f"at {format_rate(broke.rate_per_s)}{failures}"

    @property
    def rate(self) -> float | None:
        """The highest rate that held the budget, in tasks per second; None if the lowest that was tried did not."""
        broke = self.breaks_at
        held = (each.rate_per_s for each in self.steps if each.held and (broke is None or each.rate_per_s < broke))
        return max(held, default=None)

    @property
    def breaks_at(self) -> float | None:
        """The lowest rate that broke the budget, in tasks per second; None if the highest that was tried held it."""
        return min((each.rate_per_s for each in self.steps if not each.held), default=None)

    @property
    def figures(self) -> CapacityFigures:
        """What the report tells of it."""
        return CapacityFigures(
            budget_s=self.budget_s, workers=self.workers, rate=self.rate, breaks_at=self.breaks_at, steps=self.steps
        )

    def workers_for(self, rate: float | str) -> int | None:
        """Return how many workers like these a rate needs, if twice as many bear twice as much.

        That they do is not known from here: broker, database and machine are shared. None if the capacity is not known.

        Args:
            rate: Tasks per second, or text such as ``"3000/min"``.

        Raises:
            ConfigurationError: That is no rate.
        """
        wanted = parse_rate_per_s(rate, "Capacity.workers_for: rate")
        return None if self.rate is None else math.ceil(wanted * self.workers / self.rate)
