from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugin.inner import Inner, Project

APP = Path(__file__).parent / "apps" / "bank"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Inner]:
    """Return what runs a suite of a Django project that pays orders."""

    def run(suite: str, *arguments: str, **env: str) -> Inner:
        folder = tmp_path_factory.mktemp(suite) / "bank"
        shutil.copytree(APP, folder, ignore=shutil.ignore_patterns("suites", "__pycache__"))
        shutil.copy(APP / "suites" / f"{suite}.py", folder / f"test_{suite}.py")
        return Project(folder).run(*arguments, env=env)

    return run


@pytest.fixture(scope="module")
def inner(bank: Callable[..., Inner]) -> Inner:
    """Run the suite on SQLite, once for all of its tests; those that pass tell their points, too."""
    return bank("idempotent", "-rP")


@pytest.fixture
def postgres(postgres_dsn: str) -> dict[str, str]:
    """Return what tells the project to use PostgreSQL; its test database it drops itself."""
    return {"BANK_POSTGRES": postgres_dsn, "BANK_NAME": f"bank_{secrets.token_hex(4)}"}
