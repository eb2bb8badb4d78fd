"""``celery-perf history``: shows how the figures of tasks went over the stored runs."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_celery_perf.commands.terminal import print_text
from pytest_celery_perf.errors import BaselineError, ConfigurationError


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "history",
        help="show how the figures of tasks went over the runs stored by --celery-perf-baseline-save",
        description="Show how the figures of tasks went over the stored runs of the newest one's environment: newest "
        "last, times as on a machine as fast as it was then.",
    )
    command.add_argument("folder", metavar="DIR", type=Path, help="the directory of --celery-perf-baseline")
    command.add_argument("task", metavar="TASK", nargs="?", help="the name of a task; else all are shown")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Carry it out.

    Raises:
        ConfigurationError: There is no run, or none of that task; or a file is no stored run.
    """
    from pytest_celery_perf.baseline.history import stored_runs
    from pytest_celery_perf.judge.phrases import closest
    from pytest_celery_perf.measure.stored import trends
    from pytest_celery_perf.model.baseline import Chronicle, differences
    from pytest_celery_perf.report.stored import history_text

    try:
        every = stored_runs(given.folder)
    except BaselineError as error:
        raise ConfigurationError(str(error)) from None
    if not every:
        raise ConfigurationError(f"{given.folder} holds no run: --celery-perf-baseline-save stores them")
    runs = tuple(each for each in every if not differences(each.environment, every[-1].environment))
    found = trends(runs)
    tasks = {each.task for each in found}
    if given.task is not None and given.task not in tasks:
        near = closest(given.task, tasks)
        hint = f"; did you mean {near!r}?" if near else ""
        raise ConfigurationError(f"the newest runs of {given.folder} have no task {given.task!r}{hint}")
    shown = tuple(each for each in found if given.task in {None, each.task})
    print_text(
        history_text,
        Chronicle(folder=str(given.folder), runs=runs, others=len(every) - len(runs), trends=shown),
    )
    return 0
