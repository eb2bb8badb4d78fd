"""A test that publishes while nobody answers it ends, and is told why."""

from __future__ import annotations

import pytest

from .inner import Inner, Project

SUITE = """
import pytest
from office import add

def test_ends_in_time(celery_perf, celery_faults):
    with celery_faults.broker.pause():
        pass
    assert celery_perf.run(add, [1, 2], timeout="1min").succeeded == 1

def test_raises(celery_perf, celery_network):
    with celery_network.black_hole(link="publisher"):
        add.delay(1, 2)
    pytest.fail("it goes on")

def test_says_so_at_its_end(celery_perf, celery_faults):
    celery_faults.broker.pause()
    add.delay(1, 2)

def test_fails_for_itself(celery_perf, celery_faults):
    celery_faults.broker.pause()
    add.delay(1, 2)
    pytest.fail("it goes on")

@pytest.mark.celery_fault(kind="pause_broker", lasting="200ms")
def test_is_let_go_on(celery_perf):
    assert celery_perf.run(add, [1, 2], times=4, concurrency=1, timeout="1min").succeeded == 4
"""
TOLD = "(celery_perf_timeout), as test_stuck.py:"


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    project = Project.copy("plain", tmp_path_factory.mktemp("stuck") / "plain")
    project.write("test_stuck.py", SUITE)
    return project.run("--celery-perf-timeout=5s")


def test_what_ends_by_itself_is_nobodys_business(stuck: Inner) -> None:
    assert {"test_ends_in_time", "test_is_let_go_on"} == stuck.passed, stuck.text


@pytest.mark.parametrize(
    ("test", "words"),
    [
        ("test_raises", f"network-black-hole between the test and the broker was undone after 5s {TOLD}12 was still"),
        ("test_says_so_at_its_end", f"pause-broker was undone after 5s {TOLD}17 was still publishing"),
    ],
)
def test_the_fault_ends_and_the_line_is_named(stuck: Inner, test: str, words: str) -> None:
    assert stuck.lacks(test, words, "{'socket_timeout': 5}") == [], stuck.cases[test].message
    assert "it goes on" not in stuck.cases[test].message


def test_its_own_failure_is_told_too(stuck: Inner) -> None:
    assert "it goes on" in stuck.text.partition("test_fails_for_itself")[2], stuck.text
    assert stuck.lacks("test_fails_for_itself", f"{TOLD}21 was still publishing") == [], stuck.text
