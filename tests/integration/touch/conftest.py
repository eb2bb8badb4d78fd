from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.plugin.inner import Inner, Project

APP = Path(__file__).parent / "apps" / "port"


@pytest.fixture(scope="module")
def inner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Inner:
    """Run the suite that the module names as ``SUITE``, once for all of its tests."""
    folder = tmp_path_factory.mktemp(request.module.SUITE) / "port"
    shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
    shutil.copy(APP / "suites" / f"{request.module.SUITE}.py", folder / f"test_{request.module.SUITE}.py")
    return Project(folder).run()
