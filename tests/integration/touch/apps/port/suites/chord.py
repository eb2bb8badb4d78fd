"""A crash between the end of a chord's task and the moment at which the chord learns of it."""

from __future__ import annotations

import pytest
from port.tasks import load


@pytest.mark.django_db(transaction=True, databases="__all__")
@pytest.mark.celery_crash_sweep(points=["result"])
def test_chord():
    load.delay("Ada")
