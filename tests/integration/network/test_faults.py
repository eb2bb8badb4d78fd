from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plugin.inner import Inner, Project

APP = Path(__file__).parent / "apps" / "post"

LOST = "test_what_a_dead_connection_is_sent_is_lost"


def run(folder: Path, suite: str, *arguments: str) -> Inner:
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
    shutil.copy(APP / "suites" / f"{suite}.py", folder / f"test_{suite}.py")
    return Project(folder).run(*arguments)


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    return run(tmp_path_factory.mktemp("network") / "post", "faults")


def test_each_fault_is_there_and_passes(faults: Inner) -> None:
    assert faults.cases.keys() - faults.passed == {LOST}, faults.text
    assert len(faults.cases) == 16


def test_what_is_lost_is_called_lost(faults: Inner) -> None:
    assert faults.lacks(LOST, "network-half-open", "unaware: server", "LOST") == []
