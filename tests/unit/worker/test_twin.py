"""A worker's twin: like it in all but the queue that it takes from."""

from __future__ import annotations

from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.worker.options import read
from pytest_celery_perf.worker.twin import queue_of_twin, twin, with_twins

WORKER = WorkerSpec(name="mail", options=("-Q", "mail,urgent", "-c", "8", "-P", "threads"), env=(("A", "1"),))


def test_a_twin_takes_from_a_queue_of_its_own_one_message_at_a_time() -> None:
    options = read(twin(WORKER).options)
    assert ((queue_of_twin("mail"),), 1, "threads") == (options.queues, options.concurrency, options.pool)


def test_a_twin_has_the_same_environment_and_settings_and_another_name() -> None:
    assert (WORKER.env, True) == (twin(WORKER).env, twin(WORKER).name != WORKER.name)


def test_an_app_that_refuses_unknown_queues_has_the_twins() -> None:
    assert ("task_create_missing_queues", "true") in twin(WORKER).config


def test_each_worker_of_a_topology_has_one() -> None:
    other = WorkerSpec(name="other")
    assert (WORKER, other, twin(WORKER), twin(other)) == with_twins((WORKER, other))
