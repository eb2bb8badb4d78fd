"""``celery-perf compare``: puts two test runs side by side, and says what is worse."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from pytest_celery_perf.commands.terminal import FAILED, WRONG, print_text, read_report, tell
from pytest_celery_perf.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_celery_perf.model.comparison import TestPair
    from pytest_celery_perf.report.json import Report

FAIL_ON: Mapping[str, Callable[[TestPair], bool]] = MappingProxyType(
    {
        "worse": lambda pair: pair.worse,
        "better": lambda pair: pair.better,
        "new": lambda pair: pair.standing == "NEW",
        "removed": lambda pair: pair.standing == "REMOVED",
        "renamed": lambda pair: pair.standing == "RENAMED",
        "broken": lambda pair: pair.standing == "BROKEN",
        "nothing": lambda _: False,
    }
)
"""For what the status is 1."""
TEXT = "text"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    command = commands.add_parser(
        "compare",
        help="put two test runs side by side, and say what is worse",
        description="Put two files of --celery-perf-json side by side, test by test and task by task. What is counted "
        "(queries, executions, retries, calls …) is compared exactly; times are shown, but two separate runs prove "
        "nothing about them. The status is 1 if something is worse, 2 if there is nothing to compare.",
    )
    add = command.add_argument
    add("before", metavar="A", type=Path, help="a file of --celery-perf-json")
    add("after", metavar="B", type=Path, help="another one, which is judged")
    add(
        "--fail-on",
        metavar="LIST",
        default="worse",
        help=f"when the status is 1: {', '.join(FAIL_ON)}; default: worse",
    )
    add("--format", metavar="FORMAT", default=TEXT, help="text (default), or a format of --celery-perf-output")
    add("--across-environments", action="store_true", help="compare although versions or machines differ")
    command.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Carry it out.

    Returns:
        The status of the command.

    Raises:
        ConfigurationError: An argument is wrong, or the reports cannot be compared.
    """
    from pytest_celery_perf.commands.formats import written
    from pytest_celery_perf.judge.runs import judge, same_base
    from pytest_celery_perf.report.comparison import comparison_text

    conditions = _conditions(given.fail_on)
    write = None if given.format == TEXT else written(given.format)
    before, after = read_report(given.before, "A"), read_report(given.after, "B")
    for path, report in ((given.before, before), (given.after, after)):
        if report.tests and not any(test.history.executions for test in report.tests):
            raise ConfigurationError(f"{path} has no records: write it without --celery-perf-json-detail=aggregates")
    if not given.across_environments:
        _check(before, after)
    gates = before.gate, after.gate
    pairs = judge(
        before.tests,
        after.tests,
        (before.environment, after.environment),
        gates,
        Path(after.root) if after.root else None,
    )
    if write is None:
        print_text(partial(comparison_text, gated=same_base(gates)), pairs)
    else:
        sys.stdout.write(write(_as_report(after, pairs)))
    if any(condition(pair) for condition in conditions for pair in pairs):
        return FAILED
    if not any(pair.compared for pair in pairs):
        tell(_nothing(before, after))
        return WRONG
    return 0


def _nothing(before: Report, after: Report) -> str:
    """Say why nothing was compared, which must not look as if nothing were worse."""
    return (
        "error: nothing was compared, since no test ran tasks and passed in both reports: "
        f"A has {_tests(before)}, B has {_tests(after)}; compare runs of the same tests"
    )


def _tests(report: Report) -> str:
    names = {test.nodeid for test in report.tests}
    return f"{len(names)} test{'s' * (len(names) != 1)}"


def _conditions(text: str) -> list[Callable[[TestPair], bool]]:
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if name not in FAIL_ON:
            raise ConfigurationError(f"--fail-on={text!r}: {name!r} is not one of {', '.join(FAIL_ON)}")
    return [FAIL_ON[name] for name in names]


def _check(before: Report, after: Report) -> None:
    from pytest_celery_perf.judge.phrases import join
    from pytest_celery_perf.model.baseline import circumstances, differences

    found = differences(
        circumstances(before.environment, before.settings), circumstances(after.environment, after.settings)
    )
    if found:
        raise ConfigurationError(
            f"A and B are of different environments: {join(each.told for each in found)}; "
            "--across-environments compares them nevertheless"
        )


def _as_report(after: Report, pairs: tuple[TestPair, ...]) -> Report:
    """Return the second report as if its tests had been judged by the first: any format can show that."""
    verdicts = {pair.test: pair.verdicts for pair in pairs}
    worse = {pair.test for pair in pairs if pair.worse}
    return replace(
        after,
        tests=tuple(
            replace(
                test,
                verdicts=verdicts.get(test.nodeid, ()),
                outcome="failed" if test.nodeid in worse else test.outcome,
            )
            for test in after.tests
        ),
    )
