"""Has two arms run their tests in turns, until all is decided or the time is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pytest_celery_perf.gate.bout import Bout, quads
from pytest_celery_perf.gate.channel import LateError, Ran
from pytest_celery_perf.gate.contest import LATE, Contest
from pytest_celery_perf.gate.pairing import Pair
from pytest_celery_perf.measure.evidence import threshold
from pytest_celery_perf.model.gate import Comparison, Standing
from pytest_celery_perf.report.live import Comparing

EPOCHS = 40
"""After so many what is open stays so: more would cost more than they tell."""
SAMPLES = 10
"""Executions of each task in an epoch, in each arm. Twenty decide in fewer epochs, but not in less time: what differs
between one pair of workers and the next, more samples do not tell."""


class Contender(Protocol):
    """An arm, as far as the schedule knows it."""

    def run(self, nodeid: str, measure: tuple[str, ...] = ()) -> Ran:
        """Run a test once.

        Raises:
            LateError: The time was over before it had answered; it must not be asked again.
        """

    def renew(self) -> None:
        """Go on with fresh workers.

        Raises:
            LateError: As above.
        """


Told = Callable[[Comparing], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a schedule found."""

    comparisons: tuple[Comparison, ...] = ()
    epochs: int = 0
    late: bool = False


class Schedule:
    """Compares the tests that two arms have in common.

    Args:
        base: The one arm.
        head: The other.
        deadline_s: On `clock`: when the time is over.
        seed: Of the order of tests and arms.
        told: Told of every epoch and test.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        base: Contender,
        head: Contender,
        *,
        deadline_s: float,
        seed: int,
        told: Told = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base = base
        self._head = head
        self._deadline_s = deadline_s
        self._random = random.Random(seed)
        self._told = told
        self._clock = clock
        self._epoch = 0

    def play(self, pairs: Sequence[Pair]) -> Outcome:
        """Compare tests.

        Args:
            pairs: Each by its names in both arms.

        Raises:
            GateError: An arm has died.
        """
        broken, contests, late = self._screen(pairs)
        limit = threshold(sum(contest.size for contest in contests))
        while not late and self._epoch < EPOCHS and any(contest.open for contest in contests):
            self._epoch += 1
            late = self._play_epoch([contest for contest in contests if contest.open], contests, limit)
        found = [each for contest in contests for each in contest.comparisons(late)]
        return Outcome(comparisons=(*broken, *found), epochs=self._epoch, late=bool(late))

    def _screen(self, pairs: Sequence[Pair]) -> tuple[list[Comparison], list[Contest], str]:
        """Run each test once in each arm: what fails in the base is not compared."""
        broken, contests, late = [], [], ""
        for number, pair in enumerate(pairs):
            self._tell(number, len(pairs))
            late = late or (LATE if self._over else "")
            if late:
                broken.append(pair.comparison(reason=late))
                continue
            try:
                base, head = self._meet(pair)
                if head.complaint and not base.complaint:
                    base, head = self._meet(pair)  # one that fails now and then has figures, too
            except LateError as error:
                late = f"{LATE}: {error}"
                broken.append(pair.comparison(reason=late))
                continue
            if base.complaint:
                reason = f"it fails in the base: {base.complaint}"
                broken.append(pair.comparison(Standing.BROKEN, reason=reason))
            else:
                contests.append(Contest(pair, base, head))
        return broken, contests, late

    def _meet(self, pair: Pair) -> tuple[Ran, Ran]:
        base = self._base.run(pair.base.nodeid, pair.instruments)
        return base, self._head.run(pair.head.nodeid, pair.instruments)

    def _play_epoch(self, open_ones: list[Contest], contests: list[Contest], limit: float) -> str:
        """Run the tests that are undecided on fresh workers; return why the time was over, if so."""
        self._random.shuffle(open_ones)
        try:
            self._base.renew()
            self._head.renew()
            for contest in open_ones:
                self._tell(sum(not each.open for each in contests), len(contests))
                bouts = None if self._over else self._bouts(contest)
                if bouts is None:
                    return LATE
                contest.add(*bouts, limit)
        except LateError as error:
            return f"{LATE}: {error}"
        return ""

    def _bouts(self, contest: Contest) -> tuple[Bout, Bout] | None:
        """Run a test as often as an epoch needs it; None if the time was over before."""
        bouts = {True: Bout(), False: Bout()}
        for base in self._random.sample((True, False), 2):
            bouts[base].first = self._run(contest, base, contest.pair.instruments)
        runs = contest.runs(SAMPLES)
        draws = [self._random.random() < 0.5 for _ in range(runs // 2)]
        for base in quads(runs, draws):
            if self._over:
                return None
            bouts[base].others.append(self._run(contest, base))
        return bouts[True], bouts[False]

    def _run(self, contest: Contest, base: bool, measure: tuple[str, ...] = ()) -> Ran:
        pair = contest.pair
        return self._base.run(pair.base.nodeid, measure) if base else self._head.run(pair.head.nodeid, measure)

    @property
    def _over(self) -> bool:
        return self._clock() >= self._deadline_s

    def _tell(self, decided: int, tests: int) -> None:
        left_s = max(0.0, self._deadline_s - self._clock())
        self._told(Comparing(epoch=self._epoch, decided=decided, tests=tests, left_s=left_s))
