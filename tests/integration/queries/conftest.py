from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from pytest_celery_perf.measure.queries import QueryProfile, profile
from pytest_celery_perf.model.record import Frame, QueryUse
from tests.postgres import drop
from tests.unit.histories import execution

APPS = Path(__file__).parent / "apps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a task captured."""

    uses: tuple[QueryUse, ...]
    connects: int
    connect_ns: int
    numbers: list[int]
    result: Any
    unattributed: int
    problems: list[str]

    @classmethod
    def of(cls, told: dict[str, Any]) -> Answer:
        uses = tuple(
            QueryUse(
                alias=alias,
                sql=sql,
                phase=phase,
                count=count,
                many=many,
                time_ns=time_ns,
                slow=slow,
                slowest_ns=slowest_ns,
                library=library,
                stacks=tuple(
                    (tuple(Frame(path=path, line=line, function=function) for path, line, function in stack), sampled)
                    for stack, sampled in stacks
                ),
            )
            for alias, sql, phase, count, many, time_ns, slow, slowest_ns, library, stacks in told.pop("rows")
        )
        return cls(uses=uses, **told)

    @property
    def profile(self) -> QueryProfile:
        return profile(execution(queries=self.uses))

    @property
    def counts(self) -> dict[str, int]:
        """How often each statement of the body was sent."""
        return {statement.fingerprint: statement.count for statement in self.profile.statements}


class Theatre:
    """Plays bodies and scenes of ``apps/library`` in processes of their own, on one database."""

    def __init__(self, database: str, vendor: str) -> None:
        self.vendor = vendor
        self._database = database

    def play(self, pool: str, *names: str) -> dict[str, Any]:
        """Play one after the other in one process.

        Returns:
            What each of them tells: an `Answer`, a list of answers, or plain values.
        """
        done = subprocess.run(
            [sys.executable, "-W", "error", str(APPS / "play.py"), pool, *names],
            env={**os.environ, "LIBRARY_DATABASE": self._database},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
        told = [json.loads(line, object_hook=Answer.of) for line in done.stdout.splitlines()]
        return dict(zip(names, told, strict=True))


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def theatre(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Theatre]:
    if request.param == "sqlite":
        yield Theatre(str(tmp_path_factory.mktemp("library") / "library.sqlite3"), "sqlite")
    else:
        with _database_of_its_own(request.getfixturevalue("postgres_dsn")) as address:
            yield Theatre(address, "postgresql")


@contextmanager
def _database_of_its_own(dsn: str) -> Iterator[str]:
    import psycopg

    name = f"library_{secrets.token_hex(6)}"
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(dsn)._replace(path=f"/{name}").geturl()
        finally:
            drop(connection, name)
