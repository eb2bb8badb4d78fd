"""Sentences about many things read as well as those about one."""

from __future__ import annotations

import pytest

from pytest_celery_perf.judge.phrases import closest, count, join, load, who
from pytest_celery_perf.model.situation import PendingTask, WorkerState


def task(task_id: str, name: str = "shop.tasks.pay") -> PendingTask:
    return PendingTask(task_id=task_id, name=name, queue="pay", published_ago_s=60.0)


@pytest.mark.parametrize(
    ("items", "expected"), [(["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_are_joined(items: list[str], expected: str) -> None:
    assert expected == join(items)


def test_one_is_singular() -> None:
    assert count(1, "task", "waits", "wait") == "1 task waits"
    assert count(0, "task", "waits", "wait") == "0 tasks wait"
    assert count(12, "task", "waits", "wait") == "12 tasks wait"


def test_one_task_is_named_by_its_id() -> None:
    assert who([task("id-1")]) == "shop.tasks.pay[id-1]"


def test_many_tasks_of_one_name_give_one_id_as_an_example() -> None:
    assert who([task("id-1"), task("id-2")]) == "shop.tasks.pay, for example id-1"


def test_tasks_of_several_names_are_counted_the_most_frequent_first() -> None:
    tasks = [task("id-1", "a"), *(task(f"b{i}", "b") for i in range(3))]
    assert who(tasks) == "3 b and 1 a, for example a[id-1]"
    many = [*tasks, *(task(name, name) for name in "cdef")]
    assert who(many) == "3 b, 1 a, 1 c and 3 more, for example a[id-1]"


def test_the_load_of_a_worker_names_what_it_can_do_if_that_is_known() -> None:
    assert load(WorkerState(name="pay@host", queues=(), busy=2, concurrency=8)) == "pay@host runs 2 of at most 8 tasks"
    assert load(WorkerState(name="pay@host", queues=(), busy=2)) == "pay@host runs 2 tasks"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("executon", "execution"),
        ("tasks.pay", "shop.tasks.pay"),
        ("billing.jobs.pay", "shop.tasks.pay"),
        ("shop.tasks.pya", "shop.tasks.pay"),
        ("generate", None),
        ("mail", None),
    ],
)
def test_the_closest_name_has_the_same_ending_or_much_the_same_letters(name: str, expected: str | None) -> None:
    assert expected == closest(name, ["execution", "ai", "shop.tasks.pay", "shop.tasks.refund"])


def test_a_name_is_not_close_to_itself() -> None:
    assert closest("pay", ["pay"]) is None
