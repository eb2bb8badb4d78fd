from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.worlds.databases import Server
from tests.integration.worlds.town import Town
from tests.postgres import drop


@pytest.fixture
def town(tmp_path: Path) -> Town:
    """A Django project of two apps on two SQLite databases, without tests."""
    return Town(tmp_path / "town")


@pytest.fixture
def server(postgres_dsn: str) -> Iterator[Server]:
    import psycopg

    with psycopg.connect(postgres_dsn, autocommit=True) as admin:
        server = Server(admin, {"TOWN_POSTGRES": postgres_dsn, "TOWN_NAME": f"town_{secrets.token_hex(4)}"})
        yield server
        for name in server.left:
            drop(admin, name)
