"""Arms without a process: what their tests take is drawn from a distribution."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.gate.channel import LateError, Ran
from pytest_celery_perf.gate.pairing import pair
from pytest_celery_perf.gate.schedule import Outcome, Schedule
from pytest_celery_perf.model.gate import ArmTest, Comparison, RegressionBudget, TaskSample
from pytest_celery_perf.model.record import TaskError
from pytest_celery_perf.model.verdict import Status

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
        flaky: The share of runs that fail.
        memory: Of every task, in bytes.
        failing: The share of tasks that fail, of which the test says nothing.
        failing_at: Of these runs each task fails.
        failed_s: What these take.
        end: How the others end.
        drained: How those end that are measured together; empty: nothing is.
        tries: How many executions each task takes.
    """

    clock: Clock
    runtime_s: dict[str, float]
    spread: float = 0.1
    tasks: tuple[str, ...] = (TASK,)
    breaks_at: float = math.inf
    fails_at: tuple[int, ...] = ()
    flaky: float = 0.0
    hangs_at: float = math.inf
    memory: float = 50e6
    failing: float = 0.0
    failing_at: tuple[int, ...] = ()
    failed_s: float = 1e-5
    end: str = "succeeded"
    drained: str = ""
    tries: int = 1
    seed: int = 0
    runs: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    renewals: int = 0
    log: list[str] = field(default_factory=list)
    name: str = ""

    def run(self, nodeid: str, measure: tuple[str, ...] = ()) -> Ran:
        """Run a test once."""
        self.runs.append((nodeid, measure))
        if len(self.runs) >= self.hangs_at:
            raise LateError(f"the {self.name} gave no answer while it ran {nodeid}")
        self.log.append(self.name)
        breaks = random.Random(f"{self.seed} {len(self.runs)} breaks").random() < self.flaky
        if breaks or len(self.runs) > self.breaks_at or len(self.runs) in self.fails_at:
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
        end, error = ("failed", BROKE) if fails else (self.end, None)
        samples = [
            TaskSample(task=task, figures=figures, end=end, executions=self.tries, error=error) for task in self.tasks
        ]
        if self.drained:
            together = TaskSample(task=TASK, figures={"drain": (took_s,)}, end=self.drained, tasks=0, executions=0)
            samples.append(together)
        return Ran(complaint="", duration_s=took_s, samples=tuple(samples))

    def renew(self) -> None:
        """Go on with fresh workers."""
        self.renewals += 1


def play(base: Arm, head: Arm, clock: Clock, *names: str, within_s: float = 3600.0, **budget: Any) -> Outcome:
    """Have two arms compared by tests of these names."""
    tests = [arm_test(name, **budget) for name in names]
    schedule = Schedule(base, head, deadline_s=within_s, seed=1, clock=clock)
    return schedule.play(pair(tests, tests).pairs)


def arms(clock: Clock, base_s: dict[str, float], head_s: dict[str, float], **of_both: Any) -> tuple[Arm, Arm]:
    """Return a base and a head whose tests take these times."""
    return (
        Arm(clock, base_s, seed=1, name="base", **of_both),
        Arm(clock, head_s, seed=2, name="head", **of_both),
    )


def statuses(outcome: Outcome) -> dict[tuple[str, str], Status | None]:
    """Return what was decided, by test and metric."""
    return {
        (each.test.partition("::")[2], each.metric): each.decision.status if each.decision else None
        for each in outcome.comparisons
    }


def only(outcome: Outcome) -> Comparison:
    """Return the only comparison of an outcome."""
    (comparison,) = outcome.comparisons
    return comparison
