from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin.inner import Inner, Project

APPS = Path(__file__).parent / "apps"


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Inner]:
    """Return what runs a suite of a project beside this file."""

    def run(app: str, suite: str, *arguments: str, **env: str) -> Inner:
        folder = tmp_path_factory.mktemp(suite) / app
        shutil.copytree(APPS / app, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
        shutil.copy(APPS / app / "suites" / f"{suite}.py", folder / f"test_{suite}.py")
        return Project(folder).run(*arguments, env=env)

    return run
