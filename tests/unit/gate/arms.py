"""Arms without a process: what their tests take is drawn from a distribution."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.gate.channel import LateError, Ran
from pytest_celery_perf.model.gate import ArmTest, RegressionBudget, TaskSample
from pytest_celery_perf.model.record import TaskError

TASK = "shop.tasks.pay"
BROKE = TaskError(type="builtins.ValueError", message="no such order")


def arm_test(name: str, digest: str = "", **budget: Any) -> ArmTest:
    """Return a test as an arm offers it.

    Args:
        name: Its function's.
        digest: That of its source; by default one that no other test has.
        budget: Of its marker.
    """
    return ArmTest(nodeid=f"test_a.py::{name}", digest=digest or name, budget=RegressionBudget(**budget))


@dataclass(slots=True)
class Clock:
    """A clock that only runs while an arm does."""

    now_s: float = 0.0

    def __call__(self) -> float:
        """Return the time, in seconds."""
        return self.now_s


@dataclass(slots=True)
class Arm:
    """An arm whose tasks take a log-normal time.

    Args:
        clock: Runs on by the time of each run.
        runtime_s: The median, by the test's name.
        spread: The standard deviation of the logarithm.
        tasks: The names of the tasks of every test.
        breaks_at: After so many runs every test fails.
        hangs_at: At which run it does not answer before the time is over.
        fails_at: Of these runs each fails.
        memory: Of every task, in bytes.
        failing: The share of tasks that fail, of which the test says nothing.
        failing_at: Of these runs each task fails.
        failed_s: What these take.
    """

    clock: Clock
    runtime_s: dict[str, float]
    spread: float = 0.1
    tasks: tuple[str, ...] = (TASK,)
    breaks_at: float = math.inf
    fails_at: tuple[int, ...] = ()
    hangs_at: float = math.inf
    memory: float = 50e6
    failing: float = 0.0
    failing_at: tuple[int, ...] = ()
    failed_s: float = 1e-5
    seed: int = 0
    runs: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    renewals: int = 0
    log: list[str] = field(default_factory=list)
    name: str = ""

    def run(self, nodeid: str, measure: tuple[str, ...] = ()) -> Ran:
        """Run a test once."""
        self.runs.append((nodeid, measure))
        if len(self.runs) >= self.hangs_at:
            raise LateError(f"the {self.name} gave no answer")
        self.log.append(self.name)
        if len(self.runs) > self.breaks_at or len(self.runs) in self.fails_at:
            return Ran(complaint="ValueError: it broke", duration_s=0.01, samples=())
        median_s = self.runtime_s[nodeid.rpartition("::")[2]]
        drawn = random.Random(f"{self.seed} {len(self.runs)}")
        noise = math.exp(drawn.gauss(0, self.spread))
        fails = len(self.runs) in self.failing_at or drawn.random() < self.failing
        took_s = (self.failed_s if fails else median_s) * noise
        self.clock.now_s += took_s
        figures: dict[str, tuple[float, ...]] = {"runtime": (took_s,), "cpu": (took_s / 2,)}
        if "memory" in measure:
            figures["memory"] = (self.memory,)
        end, error = ("failed", BROKE) if fails else ("succeeded", None)
        samples = tuple(TaskSample(task=task, figures=figures, end=end, error=error) for task in self.tasks)
        return Ran(complaint="", duration_s=took_s, samples=samples)

    def renew(self) -> None:
        """Go on with fresh workers."""
        self.renewals += 1
