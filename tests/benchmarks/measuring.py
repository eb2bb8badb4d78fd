"""How the benchmarks measure: two things in turn, on the same machine, at the same time of day."""

from __future__ import annotations

import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

Measure = Callable[[], float]

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class CannotMeasureError(Exception):
    """This machine lacks what a benchmark needs."""


def alternate(ours: Measure, reference: Measure, rounds: int) -> tuple[float, float]:
    """Measure two things in turn, each first in every other round.

    What disturbs the machine for longer than a moment then disturbs both.

    Args:
        ours: Measures once.
        reference: Measures once, in the same unit.
        rounds: How often each is measured.

    Returns:
        The median of ours and that of the reference.
    """
    figures: dict[Measure, list[float]] = {ours: [], reference: []}
    for number in range(rounds):
        for measure in (ours, reference) if number % 2 else (reference, ours):
            figures[measure].append(measure())
    return statistics.median(figures[ours]), statistics.median(figures[reference])


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def run(command: Sequence[str], cwd: Path, environment: Mapping[str, str] | None = None) -> tuple[float, float]:
    """Run a command to its end.

    Args:
        command: The command.
        cwd: Where it runs.
        environment: Variables beside those of this process.

    Returns:
        The seconds it took, and the seconds of CPU that it and its children used.

    Raises:
        RuntimeError: It failed; the text is what it printed.
    """
    began_s = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with process:
        printed = process.stdout.read() if process.stdout else b""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took_s = time.perf_counter() - began_s
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{printed.decode(errors='replace')}")
    return took_s, usage.ru_utime + usage.ru_stime


def session_cpu_s(leader: int) -> float:
    """Return the seconds of CPU that the processes of a session have used.

    Args:
        leader: The process that leads it.

    Source:
        proc(5), ``/proc/pid/stat``: 6 session, 14 utime, 15 stime, 16 cutime, 17 cstime.
    """
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(") ")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == leader:
            own, reaped = fields[11:13], fields[13:15]
            ticks += sum(map(int, own))
            if int(path.parent.name) == leader:
                ticks += sum(map(int, reaped))
    return ticks / _TICKS_PER_S
