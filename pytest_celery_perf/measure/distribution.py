"""Percentiles that are real samples."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from pytest_celery_perf.errors import NotEnoughSamplesError
from pytest_celery_perf.model.units import NS_PER_S

SAMPLES_NEEDED = {50: 5, 95: 20, 99: 100}
"""Percentile to the number of samples below which it would only repeat the maximum (p95, p99) or say little (p50)."""


def nearest_rank(percent: int, count: int) -> int:
    """Return which of ordered samples is a percentile: the ⌈p·n/100⌉-th, always one that really occurred.

    Args:
        percent: From 1 to 100.
        count: How many samples there are, at least one.

    Returns:
        From 1 to the count.

    Source:
        R. J. Hyndman and Y. Fan, "Sample Quantiles in Statistical Packages", The American Statistician 50 (1996),
        definition 1: the inverse of the empirical distribution function.
    """
    return -(-percent * count // 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """The durations that one phase took, as ordered samples; figures are in seconds.

    A percentile is a duration that really occurred, never one between two of them: see `nearest_rank`.
    """

    of: str
    """What was measured, as an error names it: ``runtime of shop.tasks.charge``."""
    samples_ns: tuple[int, ...]
    """Ascending."""

    @classmethod
    def from_samples(cls, samples_ns: Iterable[int | None], of: str) -> Self:
        """Order the samples; those that are None were not measured and are left out.

        Args:
            samples_ns: Durations in nanoseconds, in any order.
            of: What was measured.
        """
        return cls(of=of, samples_ns=tuple(sorted(sample for sample in samples_ns if sample is not None)))

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.samples_ns)

    @property
    def min(self) -> float:
        """The shortest sample, in seconds."""
        return self._smallest(1, needed=1, figure="min")

    @property
    def max(self) -> float:
        """The longest sample, in seconds."""
        return self._smallest(self.count, needed=1, figure="max")

    @property
    def p50(self) -> float:
        """The median, in seconds; needs 5 samples."""
        return self.percentile(50)

    @property
    def p95(self) -> float:
        """The 95th percentile, in seconds; needs 20 samples."""
        return self.percentile(95)

    @property
    def p99(self) -> float:
        """The 99th percentile, in seconds; needs 100 samples."""
        return self.percentile(99)

    def percentile(self, percent: int) -> float:
        """Return one of the percentiles that have a stated need of samples.

        Args:
            percent: 50, 95 or 99.

        Returns:
            Seconds.

        Raises:
            NotEnoughSamplesError: There are fewer samples than `SAMPLES_NEEDED` says.
        """
        rank = nearest_rank(percent, self.count)
        return self._smallest(rank, needed=SAMPLES_NEEDED[percent], figure=f"p{percent}")

    def percentile_or_none(self, percent: int) -> float | None:
        """Return the percentile in seconds, or None where the samples are too few for it."""
        return self.percentile(percent) if self.count >= SAMPLES_NEEDED[percent] else None

    def _smallest(self, rank: int, *, needed: int, figure: str) -> float:
        if self.count < needed:
            have = "there is 1" if self.count == 1 else f"there are {self.count}"
            raise NotEnoughSamplesError(
                f"{figure} of the {self.of} needs {needed} sample{'s' * (needed > 1)}, {have}: "
                f"run the task more often, such as celery_perf.run(task, times={needed})"
            )
        return self.samples_ns[rank - 1] / NS_PER_S
