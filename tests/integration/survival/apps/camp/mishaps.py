"""Where the tasks say that they run; and what goes wrong in pytest itself, if it is asked to."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = os.environ["CAMP_FOLDER"]
MISHAP = os.environ.get("CAMP_MISHAP")


@pytest.fixture
def camp() -> str:
    return FOLDER


def _raise_if(mishap: str) -> None:
    if mishap == MISHAP:
        raise RuntimeError(f"a bug in {mishap}")


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    _raise_if("collection_finish")


def pytest_runtest_logreport() -> None:
    _raise_if("runtest_logreport")


def pytest_sessionfinish() -> None:
    _raise_if("sessionfinish")


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    _raise_if("unconfigure")


@pytest.fixture(autouse=True)
def transactional_db() -> Iterator[None]:
    """Be torn down when pytest-django's fixture of this name flushes the database, and tell who would still use it."""
    yield
    users = [busy.name for busy in Path(FOLDER).iterdir() if _runs(busy.name.removeprefix("busy-"))]
    Path("users").write_text(" ".join(users))


@pytest.fixture(autouse=True)
def exit_at_once_when_busy() -> None:
    """End like pytest-timeout's method "thread": without any clean-up."""
    if MISHAP == "exit":
        threading.Thread(target=_exit_when_busy, daemon=True).start()


def _runs(pid: str) -> bool:
    return Path("/proc", pid, "exe").exists()  # which a zombie has no longer


def _exit_when_busy() -> None:
    while not any(Path(FOLDER).glob("busy-*")):
        time.sleep(0.01)
    os._exit(1)
