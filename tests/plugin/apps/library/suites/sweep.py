"""``celery_crash_sweep`` and ``celery_fault_sweep`` on good and on bad code; each test is expected by name."""

from __future__ import annotations

import itertools
import socket
import uuid

import pytest
from library.models import Author, Book
from library.tasks import (
    call,
    enter,
    enter_any,
    enter_carelessly,
    enter_or_refuse,
    enter_stubbornly,
    enter_twice,
    enter_unsafely,
    idle,
    sign,
    sign_at_once,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.celery_worker(concurrency=2)]

numbers = itertools.count(1)


def one_book():
    assert Book.objects.count() == 1, "there is another number of books"


@pytest.fixture(scope="module")
def journal():
    """Tell what fixtures do; one list for all runs."""
    return []


@pytest.fixture
def journaled(journal):
    """Be set up and torn down in each run."""
    journal.append("up")
    yield journal
    journal.append("down")


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.celery_crash_sweep(task=enter, invariant=one_book)
def test_child_dies(celery_perf):
    celery_perf.run(enter, ["one"])
    assert Book.objects.get().author.name == "one"


@pytest.mark.celery_crash_sweep(task=enter, kill="worker", points=["commit", "finished", "acknowledgment"])
def test_worker_dies():
    enter.delay("one")


@pytest.mark.celery_fault_sweep(task=enter_stubbornly, invariant=one_book)
def test_database_gone():
    enter_stubbornly.delay("one")


@pytest.mark.celery_crash_sweep(task=enter, points=["started"])
@pytest.mark.celery_crash_sweep(task=enter_twice, points=["started"])
def test_two_tasks():
    enter.delay("one")
    enter_twice.delay("two")


@pytest.mark.celery_crash_sweep(task=enter, sample=2, seed=3)
def test_sample():
    enter.delay("one")


@pytest.mark.celery_crash_sweep(task=enter, budget="1ns")
def test_budget():
    enter.delay("one")


@pytest.mark.celery_crash_sweep(points=["started"], invariant=lambda journal: journal[-1] == "up")
def test_fixtures(journaled):
    assert journaled.count("up") == journaled.count("down") + 1
    enter.delay("one")


def test_fixtures_ran_each_time(journal):
    assert journal == ["up", "down"] * 3


@pytest.mark.celery_crash_sweep(task=enter)
def test_random_texts():
    enter.delay(uuid.uuid4().hex)


@pytest.mark.celery_crash_sweep(task=enter_any, volatile=["library_book", "library_author"])
def test_another_path():
    enter_any.delay(["one"] * (1 + next(numbers) % 2))


@pytest.mark.celery_queries(task=enter, max=4)
@pytest.mark.celery_crash_sweep(task=enter, points=["started"])
def test_other_markers_are_judged_once():
    enter.delay("one")


class TestMethods:
    @pytest.mark.celery_crash_sweep(task=enter, points=["started"])
    def test_method(self):
        assert not vars(self), "each run has an instance of its own"
        self.used = True
        enter.delay("one")


@pytest.mark.celery_retries(final="failed")
@pytest.mark.celery_crash_sweep(task=enter_or_refuse)
def test_failing_on_purpose():
    enter_or_refuse.delay("")


# -- bad code, and bad tests -------------------------------------------------------------------


@pytest.mark.celery_crash_sweep(task=enter, points=["started"])
@pytest.mark.celery_fault_sweep(task=enter, points=["cache"])
def test_nothing_to_try():
    enter.delay("one")


@pytest.mark.celery_crash_sweep(task=enter_twice)
def test_written_twice():
    enter_twice.delay("one")


@pytest.mark.celery_crash_sweep
def test_lost():
    enter_unsafely.delay("one")


@pytest.mark.celery_fault_sweep(task=enter, points=["query"])
def test_not_retried():
    enter.delay("one")


@pytest.mark.celery_crash_sweep(
    task=enter_twice, volatile=["library_book", "library_author"], invariant=one_book, points=["finished"]
)
def test_invariant():
    enter_twice.delay("one")


@pytest.mark.celery_crash_sweep(task=enter_twice, volatile=["library_book", "library_author"], points=["finished"])
def test_own_assertion(celery_perf):
    celery_perf.run(enter_twice, ["one"])
    assert Author.objects.count() == 1


@pytest.mark.celery_crash_sweep(task=call, outbound=1)
def test_outbound(port):
    call.delay(port)


@pytest.mark.celery_crash_sweep(task=enter, max_executions=1, points=["started"])
def test_too_many_executions():
    enter.delay("one")


@pytest.mark.celery_crash_sweep(task=enter_any)
def test_unsteady():
    enter_any.delay(["one"] * (1 + next(numbers) % 2))


@pytest.mark.celery_crash_sweep(task=enter)
def test_not_published():
    enter_twice.delay("one")


@pytest.mark.celery_crash_sweep(task=enter)
def test_fails_without_a_fault(celery_perf):
    celery_perf.run(enter, ["one"])
    assert not Book.objects.exists()


@pytest.mark.celery_crash_sweep(task=enter, invariant=lambda: False)
def test_invariant_never_holds():
    enter.delay("one")


@pytest.mark.celery_queries(task=enter, max=2)
@pytest.mark.celery_crash_sweep(task=enter, points=["started"])
def test_another_marker_fails():
    enter.delay("one")


@pytest.mark.celery_crash_sweep(task=sign)
def test_two_ways():
    sign.delay("Ada", anyway=False)
    sign.delay("Eve", anyway=True)


@pytest.mark.celery_crash_sweep(task=sign, kill="worker", points=["acknowledgment"])
def test_two_ways_to_the_acknowledgment():
    sign.delay("Ada", anyway=False)
    sign.delay("Eve", anyway=True)


@pytest.mark.celery_idempotent(task=sign, at_once=False)
@pytest.mark.celery_idempotent(task=sign_at_once, at_once=False)
def test_two_ways_delivered_twice():
    sign.delay("Ada", anyway=False)
    sign.delay("Eve", anyway=True)
    sign_at_once.delay("Bob", anyway=False)
    sign_at_once.delay("Sue", anyway=True)


@pytest.mark.celery_fault_sweep(task=enter_or_refuse)
def test_one_fails_on_purpose():
    enter_or_refuse.delay("")
    enter_or_refuse.delay("one")


@pytest.mark.celery_crash_sweep(task=enter_or_refuse)
@pytest.mark.celery_idempotent(task=enter_or_refuse)
def test_fails_each_time():
    enter_or_refuse.delay("")


@pytest.mark.celery_fault_sweep(task=enter_carelessly, points=["query"])
def test_swallowed():
    enter_carelessly.delay("one")


@pytest.mark.celery_fault_sweep(task=idle)
def test_nothing_that_an_error_could_meet():
    idle.delay()
