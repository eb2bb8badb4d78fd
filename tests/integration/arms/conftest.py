from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.arms.arms import Arm, Arms, arms

APP = Path(__file__).parent / "apps" / "office"


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A plain Celery project, whose tests note what is set up and torn down."""
    folder = shutil.copytree(APP, tmp_path / "office", ignore=shutil.ignore_patterns("suites", "__pycache__"))
    for suite in (APP / "suites").glob("*.py"):
        shutil.copy(suite, folder / f"test_{suite.name}")
    return folder


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Arms]:
    """Starts arms."""
    with arms(tmp_path) as started:
        yield started


@pytest.fixture
def arm(gate: Arms, office: Path) -> Arm:
    """An arm of that project."""
    return gate.start(office)
