"""Two arms of a comparison at once have databases of their own, whatever those are."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.integration.arms.arms import Arm, Arms, arms
from tests.integration.worlds.databases import Server
from tests.integration.worlds.town import APP, Town

TESTS = 8
"""All of the suite but the one whose countdowns are shortened."""


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Arms]:
    """Starts arms."""
    with arms(tmp_path) as started:
        yield started


def start_both(gate: Arms, town: Town, env: Mapping[str, str]) -> list[Arm]:
    """Have two arms of one project run all their tests in turns; return them."""
    shutil.copy(APP / "suites" / "databases.py", town.folder / "test_databases.py")
    both = [gate.start(town.folder, name=name, env=env) for name in ("base", "head")]
    offers = [arm.joined().tests for arm in both]
    assert [len(tests) for tests in offers] == [TESTS, TESTS], both[0].output
    for pair in zip(*offers, strict=True):
        for arm, test in (*zip(both, pair, strict=True), *zip(both[::-1], pair[::-1], strict=True)):
            assert arm.run(test.nodeid).complaint == "", arm.output
    return both


def test_sqlite(gate: Arms, town: Town) -> None:
    assert [arm.leave() for arm in start_both(gate, town, {})] == [0, 0]


@pytest.mark.postgresql
def test_postgresql(gate: Arms, town: Town, server: Server) -> None:
    both = start_both(gate, town, server.environment)
    aliases = ("default", "archive")
    expected = {f"test_{server.name}_{alias}_{arm}" for alias in aliases for arm in ("base", "head")}
    assert {*server.left} == expected
    assert [arm.leave() for arm in both] == [0, 0], both[0].output + both[1].output
    assert server.left == []


@pytest.mark.postgresql
def test_postgresql_when_the_gate_is_gone(gate: Arms, town: Town, server: Server) -> None:
    for arm in start_both(gate, town, server.environment):
        arm.close()
    assert server.left == []


@pytest.mark.postgresql
def test_a_database_that_was_left_is_not_used_again(gate: Arms, town: Town, server: Server) -> None:
    shutil.copy(APP / "suites" / "databases.py", town.folder / "test_databases.py")
    for _ in range(2):  # its rows would be in the way of the second
        arm = gate.start(town.folder, "--reuse-db", env=server.environment)
        test = arm.joined().tests[0]
        assert arm.run(test.nodeid).complaint == ""
        arm.leave()
        assert server.left == []
