from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin.inner import Inner, Project

APP = Path(__file__).parent / "apps" / "port"


@pytest.fixture
def port(tmp_path: Path) -> Callable[..., Inner]:
    """Return what runs a suite of a Django project that touches the outside world in every way."""

    def run(suite: str, *arguments: str, **env: str) -> Inner:
        folder = tmp_path / "port"
        shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
        shutil.copy(APP / "suites" / f"{suite}.py", folder / f"test_{suite}.py")
        return Project(folder).run(*arguments, env=env)

    return run


@pytest.fixture
def postgres(postgres_dsn: str) -> dict[str, str]:
    """Return what tells the project to use PostgreSQL; its test databases it drops itself."""
    return {"PORT_POSTGRES": postgres_dsn, "PORT_NAME": f"port_{secrets.token_hex(4)}"}
