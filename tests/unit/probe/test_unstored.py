"""How an execution ended whose result could not be stored, from what Celery's own tracer makes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import pytest
from celery import Celery
from celery.app.trace import build_tracer
from celery.backends.base import BaseBackend
from kombu.exceptions import EncodeError

from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.attempt import with_body
from pytest_celery_perf.probe.executions import ExecutionWatch
from pytest_celery_perf.probe.orders import HEADER
from tests.unit.probe.conftest import Journal

AWAY = ConnectionError("the result backend is away")


class Store:
    """Refuses results as often as it is told to; then it takes them.

    Args:
        refuses: How often.
        error: With which exception.
    """

    def __init__(self, refuses: int, error: Exception) -> None:
        self.refuses = refuses
        self.stored: list[str] = []
        self._error = error

    def __call__(self, task_id: str, result: Any, state: str, *_: Any, **__: Any) -> None:
        self.refuses -= 1
        if self.refuses >= 0:
            raise type(self._error)(*self._error.args)
        self.stored.append(state)


def execute(
    journal: Journal,
    body: Callable[..., Any],
    refuses: int,
    *,
    error: Exception = AWAY,
    pool: str = "prefork",
    **options: Any,
) -> tuple[wire.Finished, list[str]]:
    """Run a task once by Celery's tracer, as a worker does."""
    app: Any = Celery(set_as_current=False)
    backend: Any = BaseBackend(app)
    backend._store_result = store = Store(refuses, error)
    task: Any = app.task(body, bind=True, shared=False, name="shop.charge", backend=backend, **options)
    app.finalize()
    attribute = "_orig_run" if hasattr(task, "_orig_run") else "run"
    setattr(task, attribute, with_body(getattr(task, attribute), task.name))
    watch: Any = ExecutionWatch(journal, None, "")  # type: ignore[arg-type]
    watch.configure(pool)
    watch._ran.add(task.name)
    trace = watch.watched(task, build_tracer(task.name, task, app=app))
    request = {HEADER: {"t": "token", "received": 1}, "id": "id", "delivery_info": {}, "retries": 0}
    # The first refusal is taken for the task's failure; only that this cannot be stored either leaves the tracer.
    with pytest.raises(ConnectionError) if refuses > 1 else nullcontext():
        trace("id", (), {}, request)
    assert journal.problems == []
    (finished,) = journal.of(wire.Finished)
    return finished, store.stored


def succeed(_: Any) -> int:
    return 1


def fail(_: Any) -> None:
    raise ValueError("no")


def try_again(self: Any) -> None:
    raise self.retry(exc=ValueError("no"), countdown=7, throw=True)


REFUSED = ["builtins.ConnectionError", "the result backend is away"]


@pytest.mark.parametrize("refuses", [1, 2], ids=["but that it had failed could", "nor that it had failed"])
@pytest.mark.parametrize(("body", "outcome"), [(succeed, "succeeded"), (fail, "failed")])
@pytest.mark.filterwarnings("ignore:Exception raised outside body")
def test_the_end_is_that_of_the_body(journal: Journal, body: Callable[..., Any], outcome: str, refuses: int) -> None:
    finished, _ = execute(journal, body, refuses)
    assert (finished.outcome, (finished.unstored or [])[:2]) == (outcome, REFUSED)
    assert (finished.error[0] if finished.error else None) == ("builtins.ValueError" if outcome == "failed" else None)


@pytest.mark.filterwarnings("ignore:Exception raised outside body")
@pytest.mark.parametrize("refuses", [1, 2])
def test_a_retry_that_could_not_be_stored_is_one(
    journal: Journal, refuses: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("celery.canvas.Signature.apply_async", lambda *_, **__: None)
    finished, _ = execute(journal, try_again, refuses)
    assert (finished.outcome, finished.countdown_s) == ("retried", 7)
    assert [(finished.error or [])[0], (finished.unstored or [])[:2]] == ["builtins.ValueError", REFUSED]


@pytest.mark.filterwarnings("ignore:Exception raised outside body")
def test_a_task_whose_start_could_not_be_stored_was_never_run(journal: Journal) -> None:
    finished, _ = execute(journal, succeed, 2, track_started=True)
    assert (finished.outcome, finished.body_started_ns) == ("failed", None)
    assert finished.unstored == finished.error


@pytest.mark.parametrize(
    ("pool", "unheard"), [("prefork", False), ("solo", False), ("threads", True), ("gevent", True)]
)
@pytest.mark.filterwarnings("ignore:Exception raised outside body")
def test_threads_and_greenlets_tell_nobody(journal: Journal, pool: str, unheard: bool) -> None:
    assert execute(journal, succeed, 2, pool=pool)[0].unheard is unheard


@pytest.mark.parametrize(
    ("body", "refuses", "error"),
    [(succeed, 0, AWAY), (fail, 0, AWAY), (succeed, 1, EncodeError("no JSON"))],
    ids=["success", "failure", "what cannot be encoded"],
)
def test_what_was_stored_is_what_celery_says(
    journal: Journal, body: Callable[..., Any], refuses: int, error: Exception
) -> None:
    finished, stored = execute(journal, body, refuses, error=error)
    assert (finished.unstored, finished.unheard) == (None, False)
    assert stored == ["SUCCESS" if finished.outcome == "succeeded" else "FAILURE"]
    assert (finished.outcome == "succeeded") is (body is succeed and not refuses)


def test_a_body_that_fails_to_store_something_itself_has_failed(journal: Journal) -> None:
    def body(self: Any) -> None:
        self.backend._store_result.refuses = 1
        self.update_state(task_id="id", state="HALF")

    finished, stored = execute(journal, body, 0)
    assert (finished.outcome, finished.unstored, stored) == ("failed", None, ["FAILURE"])
