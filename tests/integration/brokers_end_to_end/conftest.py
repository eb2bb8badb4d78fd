from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pytest_celery_perf.broker.base import Endpoint
from tests.plugin.inner import Project
from tests.servers import users_redis

TILL = Path(__file__).parent / "apps" / "till"


@pytest.fixture
def till(tmp_path: Path) -> Project:
    """A project of a test's own."""
    folder = tmp_path / "till"
    shutil.copytree(TILL, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return Project(folder)


@pytest.fixture
def users_server(tmp_path: Path) -> Iterator[Endpoint]:
    """Somebody's Redis, with somebody's data in two databases."""
    with users_redis(tmp_path) as endpoint:
        for db in (0, 3):
            with redis.Redis.from_url(endpoint.url(db)) as other:
                other.mset({"celery": f"theirs {db}", "unacked": "theirs", "celery-perf:theirs": "theirs"})
        yield endpoint
