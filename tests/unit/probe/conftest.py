"""What the tests of the probe write to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_celery_perf.probe import context


class Journal:
    """Remembers what is written."""

    def __init__(self) -> None:
        self.records: list[Any] = []
        self.problems: list[str] = []

    def write(self, record: Any) -> None:
        self.records.append(record)

    def problem(self, text: str) -> None:
        self.problems.append(text)

    def ring(self) -> None:
        """Wake nobody."""

    def of(self, kind: type) -> list[Any]:
        return [record for record in self.records if isinstance(record, kind)]


@pytest.fixture
def journal() -> Iterator[Journal]:
    context.configure("prefork")
    yield Journal()
    context.unconfigure()
