"""PostgreSQL databases of a test."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Server:
    """Databases on the PostgreSQL server, whose names nobody else has."""

    admin: Any
    environment: dict[str, str]

    @property
    def name(self) -> str:
        return self.environment["TOWN_NAME"]

    @property
    def left(self) -> list[str]:
        """The databases of the test that exist still."""
        pattern = f"%{self.name}%"
        found = self.admin.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", (pattern,)).fetchall()
        return [name for (name,) in found]
