"""The judge of the scripts of faults: what a fault explains passes, what none explains is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_celery_perf.model.faults import Fault
from pytest_celery_perf.model.history import History, Snapshot
from tests.integration.faults.explanations import unexplained
from tests.unit.histories import at, crashed, execution, fault, history, publication

ONCE = execution("t1")
AGAIN = execution("t1", delivery=2, redelivered=True, received=20, started=21, pid=900)
END = Snapshot(at_ns=at(9000), reason="the end")


def struck(kind: str, ms: int) -> Fault:
    return fault(kind, ms=ms, task_id=None)


GONE = (fault("vanished", ms=50, boot=None, task_id="t1", point=""),)


@pytest.mark.parametrize(
    ("happened", "words"),
    [
        (history(ONCE), ""),
        (history(ONCE, AGAIN, faults=(struck("drop-connections", 5),)), ""),
        (history(ONCE, AGAIN), "nothing explains delivery 2"),
        (history(ONCE, AGAIN, faults=(struck("drop-connections", 25),)), "nothing explains delivery 2"),
        (history(ONCE, AGAIN, faults=(struck("stop-worker", 5),)), "no connection was broken"),
        (history(replace(ONCE, acknowledged_ns=None), AGAIN, faults=(struck("kill-worker", 15),)), ""),
        (history(ONCE, AGAIN, faults=(struck("kill-child", 5),)), "nothing explains delivery 2"),
        (history(ONCE, AGAIN, faults=(struck("freeze-worker", 5),)), "nothing explains delivery 2"),
        (history(crashed("t1", requeued_ns=at(12)), AGAIN, faults=(fault("kill-child", ms=10, task_id="t1"),)), ""),
        (history(crashed("t1"), AGAIN, faults=(struck("kill-worker", 10),)), ""),
        (
            history(crashed("t1"), AGAIN, faults=(fault("kill-worker", ms=10, task_id=None, boot="another"),)),
            "nothing explains delivery 2",
        ),
        (history(crashed("t1"), unfinished=frozenset({"t1"})), "its message is still there"),
        (History(publications=(publication("t1"),), faults=(struck("network-cut", 5), *GONE), snapshots=(END,)), ""),
        (History(publications=(publication("t1"),), faults=GONE, snapshots=(END,)), "lost"),
        (
            History(publications=(publication("t1"),), faults=(struck("network-cut", 60), *GONE), snapshots=(END,)),
            "lost",
        ),
        (History(publications=(publication("t1", confirmed=False),)), "indeterminate"),
        (replace(history(ONCE), stuck_unacked=("t1",)), "its message is still there"),
    ],
)
def test_what_is_explained(happened: History, words: str) -> None:
    told = unexplained(happened)
    assert bool(words) == bool(told), told
    assert words in "\n".join(told)
