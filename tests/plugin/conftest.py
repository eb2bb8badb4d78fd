from __future__ import annotations

from pathlib import Path

import pytest

from .inner import Inner, Project


@pytest.fixture(scope="module")
def inner(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Inner:
    """Run the suite that the module names as ``APP`` and ``SUITE``, once for all of its tests."""
    app, suite = request.module.APP, request.module.SUITE
    return Project.copy(app, tmp_path_factory.mktemp(suite) / app, suite).run()


@pytest.fixture
def plain(tmp_path: Path) -> Project:
    """Return a plain Celery project without tests."""
    return Project.copy("plain", tmp_path / "plain")


@pytest.fixture
def library(tmp_path: Path) -> Project:
    """Return a Django project without tests."""
    return Project.copy("library", tmp_path / "library")
