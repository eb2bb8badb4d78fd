"""What disturbs the figures of two arms: models of three kinds of machine, and of an adversary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """A machine. All but shares are of the natural logarithm of a figure.

    What the source does not tell (``spike``, ``worker``) is chosen so that the figures which it gives come out.
    """

    sigma: float
    """The standard deviation from one execution to the next."""
    spikes: float
    """The share of executions that something else delays."""
    spike: float
    """For how long, on average, as a multiple of the execution: exponentially distributed."""
    worker: float
    """The standard deviation from one fresh worker to the next."""
    drift: float = 0.0
    """The standard deviation of what the machine changes during an epoch, for both arms."""
    burst: float = 0.0
    """How much slower both arms are during a quarter of every other epoch."""

    def differences(
        self, dice: np.random.Generator, shape: tuple[int, int], samples: int, percent: int, effect: float
    ) -> Floats:
        """Return ln(head / base) of quantiles.

        Args:
            dice: The source of chance.
            shape: How many runs, of how many epochs.
            samples: Executions of an epoch in each arm; even.
            percent: Which quantile.
            effect: What the head is slower by, as a share of the base.
        """
        full = (*shape, 2, samples)
        logs = dice.normal(0, self.sigma, full) + dice.normal(0, self.worker, (*shape, 2, 1))
        spiked = dice.random(full) < self.spikes
        logs[spiked] += np.log1p(dice.exponential(self.spike, int(spiked.sum())))
        moments = _moments(dice, shape, samples)
        logs += moments * dice.normal(0, self.drift, (*shape, 1, 1))
        begins = dice.uniform(-0.75, 0.75, (*shape, 1, 1))
        logs += self.burst * ((begins <= moments) & (moments < begins + 0.25) & (dice.random((*shape, 1, 1)) < 0.5))
        quantiles = np.quantile(logs, percent / 100, axis=-1, method="inverted_cdf")
        found: Floats = quantiles[..., 1] - quantiles[..., 0] + np.log1p(effect)
        return found


def _moments(dice: np.random.Generator, shape: tuple[int, int], samples: int) -> Floats:
    """Return when each execution runs, from 0 to 1: in quads, ABBA or BAAB at random."""
    first = dice.random((*shape, samples // 2)) < 0.5
    places = np.where(first[..., None, None], [[0, 3], [1, 2]], [[1, 2], [0, 3]])
    slots = 4 * np.arange(samples // 2)[:, None, None] + places
    found: Floats = np.moveaxis(slots, -2, -3).reshape(*shape, 2, samples) / (2 * samples)
    return found


QUIET = Noise(sigma=0.08, spikes=0.0, spike=0.0, worker=0.02)
HOSTED = Noise(sigma=0.20, spikes=0.02, spike=1.0, worker=0.02, drift=0.1, burst=0.3)
NASTY = Noise(sigma=0.35, spikes=0.05, spike=1.6, worker=0.05)

ADVERSARIES: Mapping[str, Callable[[np.random.Generator, tuple[int, int]], Floats]] = {
    "Cauchy, scale 0.05": lambda dice, shape: 0.05 * dice.standard_cauchy(shape),
    "Cauchy, scale 1": lambda dice, shape: dice.standard_cauchy(shape),
    "Student's t of 2 degrees, scale 0.1": lambda dice, shape: 0.1 * dice.standard_t(2, shape),
    "a coin, ±0.02": lambda dice, shape: 0.02 * dice.choice((-1.0, 1.0), shape),
    "a coin, ±10": lambda dice, shape: 10 * dice.choice((-1.0, 1.0), shape),
}
"""Differences that are symmetric about zero, with tails as heavy as they come, or as unkind to the test."""
