from __future__ import annotations

import office
import pytest


def test_one(celery_perf, of_session, of_module, of_function, note):
    office.nap.delay(0)
    note("one")


class TestOfAClass:
    def test_two(self, celery_perf, of_module, of_class, note):
        office.nap.delay(0)
        note("two")

    def test_three(self, celery_perf, of_class, note):
        assert not hasattr(self, "seen"), "an object of another run"
        self.seen = True
        office.nap.delay(0)
        note("three")


@pytest.fixture
def broken():
    raise LookupError("the key is not under the mat")


@pytest.fixture
def leaking():
    yield
    raise LookupError("the tap drips")


def test_that_fails(celery_perf):
    assert 1 + 1 == 3


def test_that_is_not_set_up(celery_perf, broken):
    pass


def test_that_is_not_torn_down(celery_perf, leaking):
    pass


def test_that_skips_itself(celery_perf):
    pytest.skip("no coffee")


@pytest.mark.celery_worker(queues="nobody")
def test_that_never_ends(celery_perf):
    celery_perf.run(office.nap, [0], timeout=1)
