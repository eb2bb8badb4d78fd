import pytest
from celery import current_app
from django.core.cache import caches
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from shop import tasks
from shop.models import Archived, Note

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "archive"])


@pytest.fixture
def held_transaction(transactional_db):
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.mark.celery_queries(exact=2)
def test_wrappers(celery_perf):
    celery_perf.run(tasks.count_quietly, times=25)


@pytest.mark.celery_queries(exact=1)
def test_committed():
    assert tasks.committed.delay("a") is None
    with transaction.atomic():
        tasks.committed.delay("b")


def test_run_of_what_returns_none(celery_perf):
    celery_perf.run(tasks.committed, ("a",), times=3)
    assert Note.objects.count() == 3


@pytest.mark.celery_latency(max="60s", task=tasks.committed)
def test_never_committed(held_transaction):
    tasks.committed.delay("a")


@pytest.mark.celery_latency(max="60s")
def test_rolled_back():
    with transaction.atomic():
        tasks.committed.delay("a")
        transaction.set_rollback(True)


@pytest.mark.celery_queries(exact=1)
def test_deduplicated():
    assert tasks.once.delay("deduplicated").id
    assert tasks.once.delay("deduplicated").state == "REJECTED"


@pytest.mark.celery_latency(max="60s")
def test_nothing_but_duplicates():
    tasks.once.seen.add((("text", "duplicate"),))
    assert tasks.once.delay("duplicate").state == "REJECTED"


@pytest.mark.celery_queries(exact=1)
@pytest.mark.celery_retries(attempts=3, countdowns=[1, 2], final="succeeded")
def test_once_retried():
    tasks.once_retried.delay("again")


@pytest.mark.celery_retries(attempts=4)
def test_retry_taken_for_a_duplicate():
    tasks.once_and_never_again.delay()


@pytest.mark.celery_queries(exact=1)
def test_call():
    tasks.shout.delay(Note.objects.create(text="quiet").pk)


@pytest.mark.celery_queries(exact=3)
def test_hooks():
    tasks.hooked.delay(3)


@pytest.mark.celery_worker(name="cold", options="-c 1", start="cold")
@pytest.mark.celery_queries(exact=3)
def test_hooks_cold():
    tasks.hooked.delay(3)


@pytest.mark.celery_worker(name="once", options="-c 3 --max-tasks-per-child=1")
@pytest.mark.celery_queries(exact=2)
@pytest.mark.celery_queries(exact=1, warmup=1)
def test_only_child(celery_perf):
    celery_perf.run(tasks.typed, times=3)


@pytest.mark.celery_queries(exact=1, warmup=1)
def test_warm_up(celery_perf):
    celery_perf.run(tasks.typed, times=4)


@pytest.mark.celery_queries(exact=1)
def test_no_warm_up(celery_perf):
    celery_perf.run(tasks.typed, times=4)


@pytest.mark.parametrize("alias", ["results", "local"])
@pytest.mark.parametrize("test", ["first", "second"])
def test_cache(alias, test, celery_perf):
    celery_perf.run(tasks.remembered, (alias,), times=3)


def test_cache_is_shared(celery_perf):
    celery_perf.run(tasks.remembered, ("results",))
    assert caches["results"].get("notes") == 0
    caches["results"].clear()
    celery_perf.run(tasks.remembered, ("results",))


@pytest.mark.celery_queries(no_n_plus_one=True)
def test_comments():
    tasks.commented.delay()


@pytest.mark.celery_queries(exact=2)
def test_instrument():
    with CaptureQueriesContext(connection) as captured:
        tasks.transfer()
    assert len(captured) == 4, [query["sql"] for query in captured]
    tasks.transfer.delay()


@pytest.mark.celery_worker(name="threads", options="-P threads -c 20")
@pytest.mark.celery_queries(exact=3)
def test_threads(celery_perf):
    celery_perf.run(tasks.three, times=60)


@pytest.mark.celery_queries(exact=1, using={"archive": 1})
def test_kept_connections(celery_perf):
    celery_perf.run(tasks.archive, ("a",), times=3)
    assert Archived.objects.count() == 3


@pytest.mark.celery_queries(exact=1)
def test_on_commit():
    with transaction.atomic():
        tasks.archive.delay_on_commit("a")


@pytest.mark.celery_retries(attempts=2, countdowns=[30], final="succeeded")
def test_headers():
    tasks.tenanted.delay()


def test_settings_are_replaced_and_restored(celery_perf):
    assert not current_app.conf.task_always_eager
    assert caches["default"].get("anything") is None
    celery_perf.run(tasks.archive, ("a",))


def test_settings_are_restored():
    assert current_app.conf.task_always_eager
    assert current_app.conf.broker_url == "memory://"


def test_database_does_not_wait_for_the_disk():
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (0,)
