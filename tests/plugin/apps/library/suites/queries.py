"""``celery_queries`` on good and on bad code; each test is expected by name in test_queries.py."""

from __future__ import annotations

import pytest
from library.models import Author, Book
from library.tasks import compare, idle, joined, one_by_one, publish, remember

from pytest_celery_perf import CeleryPerf

pytestmark = [
    pytest.mark.django_db(transaction=True, databases=["default", "archive"]),
    pytest.mark.celery_worker(concurrency=1),
]


@pytest.fixture(autouse=True)
def _books(transactional_db: None) -> None:
    for number in range(5):
        Book.objects.create(title=str(number), author=Author.objects.create(name=str(number)))


@pytest.mark.celery_queries(max=1, exact=1, no_n_plus_one=True, verbs={"SELECT": 1, "INSERT": 0}, using={"archive": 0})
def test_everything_is_kept() -> None:
    joined.delay()


@pytest.mark.celery_queries(max=4)
def test_max() -> None:
    one_by_one.delay()


@pytest.mark.celery_queries(exact=2)
def test_exact_is_more() -> None:
    one_by_one.delay()


@pytest.mark.celery_queries(exact=2)
def test_exact_is_less() -> None:
    joined.delay()


@pytest.mark.celery_queries(exact=2)
def test_transaction_control_is_not_counted() -> None:
    publish.delay("Notes")


@pytest.mark.celery_queries(using={"archive": 2, "default": 1})
def test_using_is_kept() -> None:
    compare.delay()


@pytest.mark.celery_queries(using={"archive": 1})
def test_using() -> None:
    compare.delay()


@pytest.mark.celery_queries(no_n_plus_one=True)
def test_no_n_plus_one() -> None:
    one_by_one.delay()


@pytest.mark.celery_queries(verbs={"insert": 1})
def test_verbs() -> None:
    publish.delay("Notes")


@pytest.mark.celery_queries(max=1)
def test_without_warmup(celery_perf: CeleryPerf) -> None:
    celery_perf.run(remember, times=3)


@pytest.mark.celery_worker(name="fresh", concurrency=1)
@pytest.mark.celery_queries(exact=1, warmup=1)
def test_warmup(celery_perf: CeleryPerf) -> None:
    celery_perf.run(remember, times=3)


@pytest.mark.celery_worker(name="fresher", concurrency=1)
@pytest.mark.celery_queries(exact=1, warmup=3)
def test_nothing_left_after_warmup(celery_perf: CeleryPerf) -> None:
    celery_perf.run(remember, times=3)


@pytest.mark.celery_queries(max=0)
def test_no_queries() -> None:
    idle.delay()


@pytest.mark.celery_queries(task=joined, max=1)
def test_only_the_named_task_is_judged() -> None:
    joined.delay()
    one_by_one.delay()


@pytest.mark.celery_queries(task="library.tasks.join", max=1)
def test_a_task_that_was_not_published() -> None:
    joined.delay()
