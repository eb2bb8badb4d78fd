from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.survival.camp import Camp


@pytest.fixture
def camp(tmp_path: Path) -> Iterator[Camp]:
    """A project whose tests can be struck."""
    camp = Camp(tmp_path)
    yield camp
    camp.burn()
