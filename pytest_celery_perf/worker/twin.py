"""A second worker beside each one, to which a message can be delivered that the first one still has."""

from __future__ import annotations

from dataclasses import replace

from pytest_celery_perf.model.spec import WorkerSpec

SUFFIX = ".again"


def with_twins(topology: tuple[WorkerSpec, ...]) -> tuple[WorkerSpec, ...]:
    """Return a topology in which each worker has a twin."""
    return (*topology, *map(twin, topology))


def twin(spec: WorkerSpec) -> WorkerSpec:
    """Return a worker like another one, which takes its messages from a queue that only it takes from.

    Else the worker that has the message might fetch the copy too, and keep it until it is done with the first.
    """
    return replace(
        spec,
        name=f"{spec.name}{SUFFIX}",
        # The last option of a kind counts. There is never more than one message at a time for it.
        options=(*spec.options, "-Q", queue_of_twin(spec.name), "-c", "1"),
        config=(*spec.config, ("task_create_missing_queues", "true")),
    )


def queue_of_twin(name: str) -> str:
    """Return the queue of a worker's twin.

    Args:
        name: The worker's, see `WorkerSpec`.
    """
    return f"celery_perf.{name}{SUFFIX}"
