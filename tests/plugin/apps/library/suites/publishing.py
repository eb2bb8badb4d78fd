"""Tasks that wait for a commit; each test is expected by name in test_diagnosis.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.db import transaction
from library.tasks import publish

from pytest_celery_perf import CeleryPerf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.celery_queries(max=2)
def test_committed(celery_perf: CeleryPerf) -> None:
    with transaction.atomic():
        transaction.on_commit(lambda: publish.delay("Notes"))
    assert celery_perf.wait().succeeded == 1


@pytest.mark.celery_queries(max=2)
def test_rolled_back() -> None:
    with transaction.atomic():
        transaction.on_commit(lambda: publish.delay("Notes"))
        transaction.set_rollback(True)


@pytest.fixture
def _open_transaction(transactional_db: None) -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.celery_queries(max=2)
def test_waits_for_a_commit(_open_transaction: None) -> None:
    transaction.on_commit(lambda: publish.delay("Notes"))
