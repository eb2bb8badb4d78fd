"""After a run that has killed workers or children, the next one gets none that is about to die."""

from __future__ import annotations

from collections.abc import Collection
from types import SimpleNamespace as Stub
from typing import Any

import pytest

from pytest_celery_perf.broker import inspect
from pytest_celery_perf.collect.book import Book
from pytest_celery_perf.runner.mending import mend


def mended(book: Book) -> list[Collection[str]]:
    """Return the boots of the workers that were replaced, each time that was done."""
    done: list[Collection[str]] = []
    trial: Any = Stub(book=book, app=None, pump=lambda: None, pool=Stub(mend=done.append))
    mend(trial)
    return done


@pytest.mark.parametrize("kind", ["kill-child", "kill-worker"])
def test_a_worker_is_replaced_whose_death_is_written_down_and_still_to_come(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Who strikes at the end of a task has written that before the end, and nobody waits for more after it."""
    monkeypatch.setattr(inspect, "unacked_ids", lambda _: ())
    book = Book("token")
    book.note(kind, boot="dying", point="finished", task_id="t1")
    assert mended(book) == [{"dying"}]


def test_a_pool_that_has_suffered_more_is_left_alone() -> None:
    book = Book("token")
    book.note("freeze-worker", boot="one")
    assert mended(book) == []
