import pytest
from shop import tasks


@pytest.mark.django_db(transaction=True, databases=["default", "archive"])
@pytest.mark.celery_queries(exact=1)
def test_elsewhere():
    tasks.archive.delay("a")
