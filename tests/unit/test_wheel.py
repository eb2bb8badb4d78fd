from __future__ import annotations

import os
from pathlib import Path

import pytest_celery_perf

CHECKOUT = Path(os.environ.get("CELERY_PERF_TEST_CHECKOUT", Path(__file__).parents[2]))


def _files(package: Path) -> dict[str, bytes]:
    paths = (path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(package).as_posix(): path.read_bytes() for path in paths}


def test_what_is_installed_is_what_the_checkout_holds() -> None:
    """So that what the other tests prove of the one is true of the other; installed editably, they are the same."""
    assert _files(CHECKOUT / "pytest_celery_perf") == _files(Path(pytest_celery_perf.__file__).parent)
