"""What the tests of the registry work on: records, new and old."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from records.models import Record


@pytest.fixture
def make_record(transactional_db: None) -> Callable[..., Record]:
    """Return a function that makes a record."""

    def make(*, years: int = 0) -> Record:
        filed_at = timezone.now() - timedelta(days=366 * years)
        return Record.objects.create(reference=uuid4().hex, title="Deed", filed_by="ada@example.org", filed_at=filed_at)

    return make


@pytest.fixture
def record(make_record: Callable[..., Record]) -> Record:
    """Return a new record."""
    return make_record()
