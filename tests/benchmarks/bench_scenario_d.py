"""Scenario D: Celery against AsyncTasQ, and what recording every attempt costs, with every task accounted for.

A few tasks only, to try it out; or what it says of the claims, for ``python -m claims --also scenario_d.json``:

    python -m tests.benchmarks.bench_scenario_d --tasks 2000 --claims scenario_d.json
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

from tests.benchmarks.rows import Judged, Row, show
from tests.benchmarks.scenario_d import Outcome, measure

TASKS = 20_000
ABOUT = 0.25
"""How far a figure may be from "about" another."""


def main() -> list[Row]:
    return rows(measure(TASKS))


def rows(outcome: Outcome) -> list[Row]:
    """Return the table's rows."""
    tasks, recorded, plain = outcome.tasks, outcome.recorded, outcome.plain
    work = f"scenario D, {tasks:,} no-op tasks, ten at a time"
    each = partial(_each, tasks)
    return [
        each(f"{work}: worker CPU, recorded; reference: bare Celery", recorded.cpu_s, plain.cpu_s, goal=1.02),
        each(f"{work}: wall, recorded; reference: bare Celery", recorded.wall_s, plain.wall_s, goal=1.05),
        _without(f"{work}: without a record of their end", tasks - outcome.latencies.count),
        each(f"{work}: wall, Celery with results; reference: without", outcome.results.wall_s, plain.wall_s),
        *_beside(outcome, work),
    ]


def _beside(outcome: Outcome, work: str) -> list[Row]:
    """Compare Celery with AsyncTasQ, where that is installed."""
    plain, other, latencies = outcome.plain, outcome.other, outcome.other_latencies
    if other is None or latencies is None:
        return []
    each = partial(_each, outcome.tasks)
    return [
        _without(f"{work}: AsyncTasQ's without a stamp of their end", outcome.tasks - latencies.count),
        each(f"{work}: worker CPU, Celery; reference: AsyncTasQ", plain.cpu_s, other.cpu_s),
        each(f"{work}: wall, Celery; reference: AsyncTasQ", plain.wall_s, other.wall_s),
        each(f"{work}: published one by one, Celery; reference: AsyncTasQ", outcome.delayed_s, other.published_s),
        *(
            Row(
                work=f"{work}: p{percent} from release to end, Celery, recorded; reference: AsyncTasQ",
                ours=outcome.latencies.percentile(percent) * 1e3,
                reference=latencies.percentile(percent) * 1e3,
                unit="ms",
            )
            for percent in (50, 95, 99)
        ),
    ]


def _without(work: str, count: int) -> Row:
    return Row(work=work, ours=count, unit="tasks", judged=Judged.OURS, goal=0)


def _each(tasks: int, work: str, ours_s: float, reference_s: float, goal: float | None = None) -> Row:
    return Row(work=work, ours=ours_s / tasks * 1e6, reference=reference_s / tasks * 1e6, unit="µs", goal=goal)


def claims(outcome: Outcome) -> list[dict[str, object]]:
    """Return what a run says of the claims, as ``python -m claims --also`` reads it."""
    celery = outcome.tasks / outcome.plain.wall_s
    results = outcome.results.wall_s / outcome.plain.wall_s
    twenty_thousand_s = outcome.delayed_s / outcome.tasks * 20_000
    found = [
        _claim("D.publishing", f"{outcome.tasks:,} in {outcome.delayed_s:.1f} s", twenty_thousand_s, about=1.0),
        _claim("D.throughput", f"{celery:.0f} tasks/s", celery, about=950),
        _claim("D.results", f"results take {1 - 1 / results:.0%} of the time", 1 - 1 / results, about=0.5),
    ]
    if outcome.other is not None:
        other = outcome.tasks / outcome.other.wall_s
        found.append(_claim("D.ratio", f"{other / celery:.2f}×: {other:.0f} tasks/s", other / celery, about=1.36))
    return found


def _claim(key: str, measured: str, figure: float, about: float) -> dict[str, object]:
    return {"key": key, "measured": measured, "holds": abs(figure / about - 1) <= ABOUT}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Celery against AsyncTasQ, on one Redis server.")
    parser.add_argument("--tasks", type=int, default=TASKS, help="how many each side runs")
    parser.add_argument("--claims", type=Path, help="a file for what it says of the claims")
    arguments = parser.parse_args()
    run = measure(arguments.tasks)
    if arguments.claims:
        arguments.claims.write_text(json.dumps(claims(run), indent=1))
    print(show(rows(run), 160))
