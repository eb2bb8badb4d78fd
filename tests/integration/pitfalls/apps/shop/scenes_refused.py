import pytest
from shop import tasks


@pytest.mark.django_db
@pytest.mark.celery_queries(exact=1)
def test_in_a_transaction():
    tasks.committed.delay("a")
