"""The database comes from the environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.databases import from_environment

HERE = Path("/srv/judge")


def test_sqlite_is_the_default() -> None:
    """A file beside the project."""
    assert from_environment({}, HERE)["NAME"] == "/srv/judge/db.sqlite3"


def test_postgresql_by_dsn() -> None:
    """Special characters are percent-encoded, as in every address."""
    database = from_environment({"POSTGRES_DSN": "postgresql://ada:p%40ss@db.example.org:5433/judge"}, HERE)

    assert (database["USER"], database["PASSWORD"]) == ("ada", "p@ss")
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db.example.org", 5433, "judge")


@pytest.mark.parametrize("dsn", ["mysql://db/judge", "postgresql://db"])
def test_anything_else_is_an_error(dsn: str) -> None:
    """It names the variable and the form."""
    with pytest.raises(ValueError, match=r"POSTGRES_DSN: .* is not of the form postgresql://"):
        from_environment({"POSTGRES_DSN": dsn}, HERE)
