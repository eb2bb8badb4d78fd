"""What the app's result backend says of the tasks: what a caller of ``AsyncResult.state`` would be told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def states_of(app: Any, task_ids: Iterable[str]) -> dict[str, str]:
    """Ask for the states of tasks.

    Args:
        app: The Celery app, in the test process.
        task_ids: The tasks.

    Returns:
        Id to state, of those of which something is stored; nothing where the backend keeps its results elsewhere
        than under keys, or does not answer.
    """
    from celery.backends.base import BaseKeyValueStoreBackend

    backend, ids = app.backend, list(task_ids)
    if not isinstance(backend, BaseKeyValueStoreBackend) or not ids:
        return {}
    try:
        stored = backend.mget([backend.get_key_for_task(each) for each in ids])
    except (NotImplementedError, *getattr(backend, "connection_errors", ())):
        return {}
    return {task_id: backend.decode_result(text)["status"] for task_id, text in zip(ids, stored, strict=True) if text}
