"""What does not finish is explained, each cause with its own words."""

from __future__ import annotations

from pathlib import Path

import pytest

from .inner import Inner, Project

TIMEOUT = "--celery-perf-timeout=1.5s"
"""For what never ends: what is to come before that, the tests wait for by name."""

SAYS = {
    "test_no_worker_consumes_the_queue": (
        "1 of 1 task had not finished after",
        'No worker consumes the queue "nowhere", where 1 task waits',
        'Consumed are "celery" by default@',
        "nowhere: -Q nowhere -c 2",
    ),
    "test_the_worker_died": ("The worker mortal@", "died: killed by SIGKILL", "It was running office.die["),
    "test_not_registered": ('does not know the task "office.ad"', 'is "office.add" meant?'),
    "test_waits_for_its_eta": ("office.add[", "waits for its ETA: it may start in 49"),
    "test_prefetched_behind_others": ("is prefetched: fresh@", "holds it behind 1 other", "prefetch=1 and -O fair"),
    "test_runs_still": ("office.stand[", "still runs, for", "It is here:", 'office.py", line', "in stand"),
    "test_still_in_the_queue": ('3 tasks are still in the queue "celery"', "narrow@", "runs 1 of at most 1 tasks"),
    "test_held_unacknowledged": (
        "1 task is held unacknowledged by a worker that is not there",
        "only after the visibility timeout, 1h",
    ),
    "test_a_throughput_of_nothing": (
        "celery_throughput office.misrouted: started 0 of 1 (budget = 1)",
        "1 unfinished",
        "No worker consumes the queue",
    ),
    "test_a_latency_of_nothing": ("celery_latency office.misrouted: started 0 of 1", "No worker consumes the queue"),
    "test_run_tells_it_too": ("UnfinishedTasksError: 1 of 1 task had not finished", "No worker consumes the queue"),
    "test_nothing_published": ("Nothing was published.", ".delay() or .apply_async()"),
    "test_ran_in_the_test_itself": ("Nothing was published.", ".apply() and a direct call run a task in the test's"),
}


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    return Project.copy("plain", tmp_path_factory.mktemp("diagnosis") / "plain", "diagnosis").run(TIMEOUT)


@pytest.mark.parametrize("test", SAYS)
def test_the_cause_is_told(unfinished: Inner, test: str) -> None:
    assert unfinished.lacks(test, *SAYS[test]) == [], unfinished.cases[test].message


def test_every_case_is_expected(unfinished: Inner) -> None:
    assert unfinished.cases.keys() == SAYS.keys()


def test_the_cause_is_told_once(unfinished: Inner) -> None:
    assert unfinished.cases["test_a_throughput_of_nothing"].message.count("No worker consumes the queue") == 1
    assert unfinished.cases["test_a_latency_of_nothing"].message.count("No worker consumes the queue") == 1


def test_a_stack_ends_at_the_task(unfinished: Inner) -> None:
    assert "billiard" not in unfinished.cases["test_runs_still"].message


def test_a_broker_that_is_gone(tmp_path_factory: pytest.TempPathFactory) -> None:
    inner = Project.copy("plain", tmp_path_factory.mktemp("broker") / "plain", "broker").run()
    words = ("The broker does not answer at redis://", "1 task waits for it: office.add[", "still runs, for")
    assert inner.lacks("test_does_not_answer", *words) == [], inner.text
    assert inner.passed == {"test_the_next_one", "test_dies_after_its_tasks", "test_has_the_same_workers"}, inner.text
    unsent = (
        "Nothing was published.\n\nPublishing office.add raised an exception: the broker of this test has died",
        "The broker does not answer at redis://",
        "publishing office.add raised an exception, so there is nothing to judge",
    )
    assert inner.lacks("test_publishes_nothing_without_it", *unsent) == [], inner.text
    assert "task.delay(…)" not in inner.text
    unknown = ("Publishing office.add raised an exception; the broker answers by now.", "the task's serializer")
    assert inner.lacks("test_publishes_what_no_serializer_knows", *unknown) == [], inner.text


def test_a_broker_of_all_xdist_workers_that_is_gone(tmp_path: Path) -> None:
    project = Project.copy("plain", tmp_path / "plain", "broker")
    inner = project.run("-n1", "-k", "its_tasks or same")
    assert "the broker of this test run does not answer any more" in inner.cases["test_has_the_same_workers"].message


def test_what_waits_for_a_commit(tmp_path_factory: pytest.TempPathFactory) -> None:
    inner = Project.copy("library", tmp_path_factory.mktemp("publishing") / "library", "publishing").run()
    assert inner.passed == {"test_committed"}, inner.text
    told = "1 function was given to transaction.on_commit in a transaction that was rolled back"
    assert inner.lacks("test_rolled_back", "Nothing was published.", told) == []
    words = ("Nothing was published.", "1 function waits for transaction.on_commit", "django_db(transaction=True)")
    assert inner.lacks("test_waits_for_a_commit", *words) == []
