import pytest
from office import safe


@pytest.mark.celery_fault(kind="kill_broker")
def test_kill():
    safe.delay()
