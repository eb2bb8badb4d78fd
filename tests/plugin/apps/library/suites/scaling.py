"""``celery_scaling`` on code that grows with its data, and on other code; each test is expected in test_scaling.py."""

from __future__ import annotations

import pytest
from library.models import Author, Book
from library.tasks import compare, idle, in_batches, joined, one_by_one, pairs, publish, remember

from pytest_celery_perf import CeleryPerf

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "archive"])


@pytest.fixture
def shelf(celery_size: int, transactional_db: None) -> int:
    """As many books as this run shall have."""
    for number in range(celery_size):
        Book.objects.create(title=str(number), author=Author.objects.create(name=str(number)))
    return celery_size


@pytest.mark.celery_scaling(sizes=[2, 4, 8], max_slope=0)
def test_constant(shelf: int) -> None:
    assert Book.objects.count() == shelf  # each run begins with an empty database
    joined.delay()


@pytest.mark.celery_scaling(sizes=[2, 4, 8], max_slope=0)
def test_caches_are_warm(shelf: int) -> None:
    remember.delay()


@pytest.mark.celery_scaling(sizes=[2, 4, 8], max_slope=0)
@pytest.mark.celery_worker(options="--max-tasks-per-child=1")
def test_caches_are_always_cold(shelf: int) -> None:
    remember.delay()


@pytest.mark.celery_scaling(sizes=[2, 4, 8], max_slope=0.5)
@pytest.mark.celery_queries(task="library.tasks.in_batches", max=5)
def test_less_than_one_in_a_row(shelf: int) -> None:
    in_batches.delay(2)


@pytest.mark.celery_scaling(sizes=[2, 4, 8], max_slope=0)
def test_one_by_one(shelf: int) -> None:
    one_by_one.delay()


@pytest.mark.xfail(reason="known", strict=False)
@pytest.mark.celery_scaling(sizes=[2, 4], max_slope=0)
def test_known_to_grow(shelf: int) -> None:
    one_by_one.delay()


@pytest.mark.celery_scaling(sizes=[2, 4, 8], max_slope=0.4, unit="book")
def test_half_in_a_row(shelf: int) -> None:
    in_batches.delay(2)


@pytest.mark.celery_scaling(sizes=[4, 8, 16], max_order=1.2)
def test_linear(shelf: int) -> None:
    one_by_one.delay()


@pytest.mark.celery_scaling(sizes=[4, 8, 16], max_order=1.2)
def test_quadratic(shelf: int) -> None:
    pairs.delay()


@pytest.mark.celery_scaling(sizes=[2, 4], metric="runtime", max_slope="10s", max_order=50)
@pytest.mark.celery_scaling(sizes=[2, 4], max_slope=1)
def test_two_figures(shelf: int, celery_perf: CeleryPerf) -> None:
    assert celery_perf.run(one_by_one, times=5).succeeded == 5


@pytest.mark.celery_scaling(sizes=[100, 10_000], metric="message_size", max_slope="4B", max_order=1)
@pytest.mark.celery_scaling(sizes=[100, 10_000], metric="calls", max_slope=0, unit="character")
def test_other_figures(celery_size: int) -> None:
    publish.delay("x" * celery_size)


@pytest.mark.celery_scaling(sizes=[100, 10_000], metric="message_size", max_slope="0B", unit="character")
def test_bytes(celery_size: int) -> None:
    idle.delay(f"{0:.{celery_size}f}")


@pytest.mark.celery_scaling(sizes=[2, 40], metric="runtime", max_slope="0s")
def test_time(celery_size: int, celery_perf: CeleryPerf) -> None:
    celery_perf.run(idle, (celery_size / 100,), times=5, concurrency=1)


@pytest.mark.celery_scaling(sizes=[2, 4, 8], max_slope=0)
@pytest.mark.celery_queries(max=5)
def test_another_budget(shelf: int) -> None:
    one_by_one.delay()


@pytest.mark.celery_scaling(sizes=[2, 4], max_slope=0)
def test_own_assertion(shelf: int) -> None:
    joined.delay()
    assert shelf < 4


@pytest.mark.celery_scaling(sizes=[2, 4], task=compare, max_slope=0)
def test_another_task(shelf: int) -> None:
    joined.delay()


@pytest.mark.celery_scaling(sizes=[2, 4], task=joined, max_slope=0)
def test_one_size_without_it(shelf: int) -> None:
    (joined if shelf < 4 else one_by_one).delay()
