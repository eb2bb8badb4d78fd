"""What a fixture of wider scope publishes goes to the app's own broker, and the tests that use it say so."""

from __future__ import annotations

import pytest

from .inner import Inner, Project

SUITE = """
import unittest
import pytest
from office import add, app

app.conf.broker_url = "memory://user:secret@own//"
judged = pytest.mark.celery_latency(max="60s")

@pytest.fixture(scope="module")
def orders():
    return add.delay(1, 2)

@pytest.fixture(scope="module")
def stock():
    app.conf.task_always_eager = True
    add.delay(1, 2)
    app.conf.task_always_eager = False

@pytest.fixture
def narrow():
    return add.delay(1, 2)

def test_ordinary(orders):
    pass

@judged
def test_wide(orders):
    pass

@judged
@pytest.mark.usefixtures("orders", "narrow")
def test_narrow_too():
    pass

@judged
def test_eager(stock):
    pass

@judged
def test_eager_is_no_matter(stock, celery_perf):
    add.delay(1, 2)
    celery_perf.wait()
    raise RuntimeError("for another reason")

@judged
def test_asked_for_by_the_body(request, celery_perf):
    request.getfixturevalue("late")

@pytest.fixture(scope="module")
def late():
    return add.delay(1, 2)

@judged
def test_without():
    pass

class TestCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        add.delay(1, 2)

    @judged
    def test_of_a_case(self):
        pass
"""
FIXTURE = "fixture 'orders' (scope: module) published office.add before the test began: to the app's own broker, memory://user:**@own/"
CASE = "setUpClass (scope: class) published office.add before the test began: to the app's own broker, memory://user:**@own/"
EAGER = "fixture 'stock' (scope: module) ran office.add before the test began: in the tests' own process"
TRY = "try: publish in the test, or in a fixture of function scope"
PASSED = {"test_ordinary", "test_narrow_too", "test_asked_for_by_the_body"}


@pytest.fixture(scope="module")
def inner(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    project = Project.copy("plain", tmp_path_factory.mktemp("early") / "plain")
    project.write("test_early.py", SUITE)
    return project.run("-W", "default::pytest.PytestWarning")


def test_what_no_fixture_of_wider_scope_publishes_is_the_tests(inner: Inner) -> None:
    assert PASSED == inner.passed, inner.text


@pytest.mark.parametrize(("test", "told"), [("test_wide", FIXTURE), ("test_of_a_case", CASE), ("test_eager", EAGER)])
def test_a_test_that_waits_for_it_is_told(inner: Inner, test: str, told: str) -> None:
    assert inner.lacks(test, "Nothing was published.", told, TRY) == [], inner.text


@pytest.mark.parametrize("test", ["test_without", "test_eager_is_no_matter"])
def test_others_are_not(inner: Inner, test: str) -> None:
    assert inner.lacks(test, "before the test began") == ["before the test began"], inner.text


def test_who_passes_is_warned_and_once(inner: Inner) -> None:
    warned = inner.text.partition("warnings summary")[2]
    assert "secret@" not in warned
    assert (warned.count(FIXTURE), warned.count(CASE), warned.count(EAGER)) == (1, 1, 0), inner.text
