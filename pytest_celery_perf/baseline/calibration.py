"""Tells how fast this machine is right now, so that figures of other times can be compared with those of today."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence

from pytest_celery_perf.baseline import workload
from pytest_celery_perf.errors import BaselineError
from pytest_celery_perf.model.baseline import Calibration
from pytest_celery_perf.model.units import NS_PER_S

BLOCK = 5
"""Repetitions whose median is one opinion on how fast the machine is."""
TIMEOUT_S = 120.0


def calibrate() -> Calibration:
    """Have this machine do the work that is always the same; takes about a second.

    Raises:
        BaselineError: It could not be done.
    """
    command = [sys.executable, "-I", "-S", workload.__file__]  # without site-packages: nothing may trace or patch it
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or error
        raise BaselineError(f"the machine could not be calibrated: {said}") from None
    return calibration_of([(wall, cpu) for wall, cpu in json.loads(done.stdout)])


def calibration_of(durations_ns: Sequence[tuple[int, int]]) -> Calibration:
    """Sum up the repetitions of the work.

    Args:
        durations_ns: Wall and CPU time of each; at least two blocks of them.
    """
    walls, cpus = ([each / NS_PER_S for each in column] for column in zip(*durations_ns, strict=True))
    return Calibration(
        wall_s=statistics.median(walls),
        cpu_s=statistics.median(cpus),
        spread=statistics.stdev(math.log(each) for each in _medians(walls)),
        repetitions=len(walls),
    )


def _medians(walls: Sequence[float]) -> Iterator[float]:
    for first in range(0, len(walls) - BLOCK + 1, BLOCK):
        yield statistics.median(walls[first : first + BLOCK])
