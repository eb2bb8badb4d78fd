"""``celery-perf calibrate``: tells how fast this machine is, and what stored runs could show on it."""

from __future__ import annotations

import argparse
import json
import sys

from pytest_celery_perf.commands.terminal import print_text


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "calibrate",
        help="tell how fast and how steady this machine is, and what stored runs could show on it",
        description="Do the work by which --celery-perf-baseline calibrates the times of a test run, and tell how long "
        "it took, how much that differs within a second, which kind of machine this is, and how small a slowdown "
        "stored runs can show.",
    )
    command.add_argument("--json", action="store_true", help="print it as JSON")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Carry it out.

    Raises:
        BaselineError: The machine could not be calibrated.
    """
    from pytest_celery_perf.baseline.calibration import calibrate
    from pytest_celery_perf.baseline.environment import environment
    from pytest_celery_perf.measure.stored import prospects
    from pytest_celery_perf.model.baseline import Bench
    from pytest_celery_perf.model.codec import encode
    from pytest_celery_perf.report.stored import bench_text

    calibration = calibrate()
    bench = Bench(environment=environment(), calibration=calibration, prospects=prospects(calibration.spread))
    if given.json:
        sys.stdout.write(json.dumps(encode(bench), indent=1) + "\n")
    else:
        print_text(bench_text, bench)
    return 0
