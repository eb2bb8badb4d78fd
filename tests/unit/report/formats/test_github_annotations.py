"""Workflow commands come back as they were meant when they are read as GitHub's runner reads them."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from pytest_celery_perf.report.formats.github_annotations import github_annotations

from .reports import EMPTY, LOST, REFUND, REPORT, frame, result, verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    level: str
    properties: dict[str, str]
    message: str


def read(text: str) -> list[Command]:
    """Read commands as `ActionCommand.TryParseV2` of actions/runner does: `::name key=value,key=value::data`."""
    commands = []
    for line in text.splitlines():
        assert line.startswith("::")
        head, _, data = line[2:].partition("::")
        level, _, rest = head.partition(" ")
        pairs = (pair.split("=", 1) for pair in rest.split(",") if pair)
        properties = {name: unescaped(value, property_=True) for name, value in pairs}
        commands.append(Command(level=level, properties=properties, message=unescaped(data)))
    return commands


def unescaped(text: str, *, property_: bool = False) -> str:
    pairs = [("%0D", "\r"), ("%0A", "\n"), *([("%3A", ":"), ("%2C", ",")] if property_ else []), ("%25", "%")]
    for escaped, plain in pairs:
        text = text.replace(escaped, plain)
    return text


def test_a_finding_is_a_command_with_its_place() -> None:
    first, second = read(github_annotations(replace(EMPTY, tests=(REFUND,), root="/work")))
    assert first == Command(
        level="error",
        properties={
            "file": "shop/tasks.py",
            "line": "20",
            "title": "celery_queries shop.tasks.charge: queries 41 (budget ≤ 4)",
        },
        message=f"{REFUND.nodeid}\n  3×  SELECT `a` | b\n```\n100% of it",
    )
    assert second.properties["file"] == "tests/test_shop.py"


def test_whatever_a_name_or_path_holds_is_escaped() -> None:
    odd = verdict(task="a:b,c\n100%0A\r", places=(frame("/work/a,b:c%.py"),))
    text = github_annotations(replace(EMPTY, tests=(result("test_a", "failed", odd),), root="/work"))
    assert text.count("\n") == 1
    (command,) = read(text)
    assert command.properties["file"] == "a,b:c%.py"
    assert "a:b,c\n100%0A\r" in command.properties["title"]


def test_a_level_for_each_kind_of_finding() -> None:
    assert Counter(command.level for command in read(github_annotations(REPORT))) == {
        "error": 6,
        "warning": 1,
        "notice": 2,
    }


def test_at_most_ten_of_a_level_the_worst_first_and_the_last_one_counts_the_rest() -> None:
    failing = tuple(result(f"test_{number}", "failed", verdict(), verdict()) for number in range(8))
    commands = read(github_annotations(replace(EMPTY, tests=(*failing, LOST))))
    assert len(commands) == 10
    assert commands[0].message.startswith(LOST.nodeid)
    assert commands[-1].message == "8 more in 4 tests: see the log, or the step's summary"
    assert len(read(github_annotations(replace(EMPTY, tests=failing[:5])))) == 10


def test_a_long_explanation_is_cut_and_says_so() -> None:
    long = verdict(evidence=tuple(f"line {number}" for number in range(100)))
    (command,) = read(github_annotations(replace(EMPTY, tests=(result("test_a", "failed", long),))))
    assert re.search(r"line 18\n… 81 more lines$", command.message)


def test_a_run_in_which_all_is_well_says_nothing() -> None:
    assert github_annotations(EMPTY) == ""
