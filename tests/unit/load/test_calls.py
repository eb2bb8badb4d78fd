"""What an attempt to find a capacity makes of a load."""

from __future__ import annotations

import time
from types import SimpleNamespace as Stub
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.load.calls import Loads
from pytest_celery_perf.load.pulse import Pulse
from pytest_celery_perf.measure.load import Load
from pytest_celery_perf.model.load import OpenLoop
from tests.unit.histories import execution, failed, history, publication

if TYPE_CHECKING:
    import pytest

LOOP = OpenLoop(rate_per_s=(30, 30), duration_s=2, count=60)


class Laid(Loads):
    """Loads that need no workers: two of sixty tasks have failed, late."""

    def __init__(self) -> None:
        pass

    def _lay(self, *_: Any, **__: Any) -> Load:  # type: ignore[explicit-override] # `override` is not in Python 3.11
        ids = [f"t{number}" for number in range(60)]
        executions = [failed(task_id) for task_id in ids[:2]] + [execution(task_id) for task_id in ids[2:]]
        publications = [publication(task_id, ms=-1000 * (task_id in ids[:2])) for task_id in ids]
        return Load.of(history(*executions, publications=publications), LOOP, ())


def test_a_task_that_is_late_and_failed_is_one() -> None:
    served: set[str] = set()
    step = Laid()._attempt([], LOOP, 0.9, 1, served)
    assert (step.held, step.late) == (True, 2 / 60)
    assert served == {"boot-1"}


HOUR_NS = 3600 * 10**9


def test_what_ends_while_nobody_looks_is_not_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """Half of the tasks end in time, and are not seen to for an hour; the others begin then, and to read takes one."""
    early, fresh = ([f"{word}{number}" for number in range(30)] for word in ("early", "fresh"))
    due_ns = dict.fromkeys(early, 0) | dict.fromkeys(fresh, HOUR_NS)
    book: Any = Stub(publishing={}, publisher={}, open=set(), latest=lambda _: Stub(finished=Stub(ns=1), failed=None))
    clock_ns = 0
    monkeypatch.setattr(time, "monotonic_ns", lambda: clock_ns)

    def read() -> None:
        nonlocal clock_ns
        clock_ns += HOUR_NS
        book.open = {*fresh}

    class Stalled(Laid):
        def _lay(self, *_: Any, **options: Any) -> Load:  # type: ignore[explicit-override] # as above
            nonlocal clock_ns
            pulse = Pulse(book, 60)
            book.publishing = {(each, 0): Stub(id=each, retries=0, intended_ns=ns) for each, ns in due_ns.items()}
            book.publisher, book.open = dict.fromkeys(book.publishing, ""), {*due_ns}
            clock_ns += HOUR_NS
            assert not options["give_up"](pulse)
            return super()._lay()

    loads = Stalled()
    loads._trial = Stub(pump=read)  # type: ignore[assignment]
    assert loads._attempt([], LOOP, 0.9, 1, set()).held
