"""What a drill waits for, when the records come in while it looks at them."""

from __future__ import annotations

from itertools import chain, repeat
from types import SimpleNamespace as Stub
from typing import Any

from pytest_celery_perf.drills.scene import Scene
from pytest_celery_perf.model.record import Execution
from tests.unit.histories import BOOT, crashed, execution, history, publication, worker


def scene(*seen: Execution) -> Scene:
    """Return that of one task, of which each look at the records shows more; the last look is repeated.

    Its worker knows of its start a little later than its child.
    """
    looks = chain(map(history, seen), repeat(history(seen[-1])))
    knows = chain(repeat(False, 3), repeat(True))
    book = Stub(
        publishing={("t1", 0): publication()},
        open={"t1"},
        last_attempt={"t1": 0},
        confirmed=set(),
        accepted=lambda _: next(knows),
    )
    trial: Any = Stub(
        book=book,
        pool=Stub(members=[Stub(boot=BOOT, worker=Stub(alive=True))]),
        workers={BOOT: worker()},
        records=lambda: next(looks),
        until=lambda find, _: next(filter(None, (find() for _ in range(20))), None),
    )
    budget: Any = Stub(task=None)
    return Scene(budget, trial, faults=trial, timeout_s=1.0)


def test_a_task_that_begins_between_two_looks_is_waited_for() -> None:
    received, began = execution(started=None, ended=False), crashed()
    for looks in range(1, 6):
        assert scene(*[received] * looks, began).await_start(), looks
