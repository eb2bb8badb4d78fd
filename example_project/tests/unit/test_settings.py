"""Everything that differs between machines comes from the environment."""

from __future__ import annotations

from pathlib import Path
from runpy import run_path
from typing import Any

import pytest  # noqa: TC002 - like the other types of fixtures

SETTINGS = Path(__file__).parents[2] / "config" / "settings.py"
VARIABLES = ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND", "REDIS_URL", "WORKER_PREFETCH", "WORKER_MAX_TASKS_PER_CHILD")


def settings(monkeypatch: pytest.MonkeyPatch, **environment: str) -> tuple[Any, ...]:
    """Return what the settings are in an environment."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    held = run_path(str(SETTINGS))
    named = ("BROKER_URL", "RESULT_BACKEND", "WORKER_PREFETCH_MULTIPLIER", "WORKER_MAX_TASKS_PER_CHILD")
    return tuple(held[f"CELERY_{name}"] for name in named)


def test_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages in database 1, results in database 2."""
    assert settings(monkeypatch) == ("redis://127.0.0.1:6379/1", "redis://127.0.0.1:6379/2", 4, 1000)


def test_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable each."""
    given = settings(monkeypatch, REDIS_URL="redis://r:1", WORKER_PREFETCH="1", WORKER_MAX_TASKS_PER_CHILD="50")

    assert given == ("redis://r:1/1", "redis://r:1/2", 1, 50)
