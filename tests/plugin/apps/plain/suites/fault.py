"""``celery_fault`` on good and on bad tests; each is expected by name in test_fault.py."""

from __future__ import annotations

import pytest
from office import limited, safe, unsafe

reliable = pytest.mark.celery_reliable(max_executions=2)


@reliable
@pytest.mark.celery_fault(kind="kill_child")
def test_kill_child() -> None:
    safe.delay()


@pytest.mark.celery_reliable(max_executions=3)
@pytest.mark.celery_fault(kind="kill_child")
@pytest.mark.celery_fault(kind="kill_worker", at="finished")
def test_two_faults() -> None:
    safe.delay()


@reliable
@pytest.mark.celery_fault(kind="terminate")
def test_terminate() -> None:
    safe.delay()


@reliable
@pytest.mark.celery_fault(kind="quit")
def test_quit() -> None:
    safe.delay()


@reliable
@pytest.mark.celery_worker(concurrency=2, config={"worker_soft_shutdown_timeout": 1})
@pytest.mark.celery_fault(kind="soft_shutdown")
def test_soft_shutdown() -> None:
    safe.delay()


@reliable
@pytest.mark.celery_fault(kind="freeze", lasting="300ms")
def test_freeze() -> None:
    safe.delay()


@reliable
@pytest.mark.celery_worker(concurrency=1, options="--max-memory-per-child=1000000000")
@pytest.mark.celery_fault(kind="recycle")
def test_recycle() -> None:
    safe.delay()


@pytest.mark.celery_reliable(declared_failures=["TimeLimitExceeded"], workers_alive=True)
@pytest.mark.celery_fault(kind="time_limit")
def test_time_limit() -> None:
    limited.delay()


@pytest.mark.celery_reliable(declared_failures=["SoftTimeLimitExceeded"])
@pytest.mark.celery_fault(kind="soft_time_limit")
def test_soft_time_limit() -> None:
    limited.delay()


@reliable
@pytest.mark.celery_fault(kind="freeze", task="office.unsafe", lasting="10ms")
@pytest.mark.celery_fault(kind="freeze", task="office.safe", lasting="300ms")
def test_each_task_has_its_own(celery_perf) -> None:
    celery_perf.run(safe)
    celery_perf.run(unsafe)
    kinds = {fault.kind: fault.at_ns for fault in celery_perf.history.faults[:3]}
    assert kinds["thaw-worker"] - kinds["freeze-worker"] >= 300_000_000


@pytest.mark.celery_worker(concurrency=1)
@pytest.mark.celery_fault(kind="kill_broker", lasting="200ms")
def test_kill_broker() -> None:
    safe.delay()


@pytest.mark.parametrize(
    ("begun", "over"),
    [
        pytest.param(begun, over, marks=pytest.mark.celery_fault(kind=kind, at="finished", lasting="200ms", times=2))
        for kind, begun, over in (
            ("freeze", "freeze-worker", "thaw-worker"),
            ("kill_broker", "kill-broker", "broker-restarted"),
            ("pause_broker", "pause-broker", "broker-resumed"),
        )
    ],
)
@pytest.mark.celery_worker(concurrency=2)
def test_the_second_strikes_when_the_first_is_over(celery_perf, celery_faults, begun, over) -> None:
    # Both are there before the first strikes: a message on its way from the broker would be lost with that.
    with celery_faults.hold(safe, times=2) as held:
        safe.delay()
        safe.delay()
        held.wait(2)
    celery_perf.wait()
    kinds = [fault.kind for fault in celery_perf.history.faults]
    assert [kind for kind in kinds if kind in (begun, over)] == [begun, over] * 2


@pytest.mark.celery_worker(concurrency=1)
@pytest.mark.celery_fault(kind="pause_broker", lasting="200ms")
def test_pause_broker() -> None:
    safe.delay()


@pytest.mark.celery_worker(concurrency=1)
@pytest.mark.celery_fault(kind="drop_connections", at="finished")
def test_drop_connections() -> None:
    safe.delay()


@pytest.mark.parametrize(
    ("kind", "begun"),
    [
        pytest.param(kind, f"network-{begun}", marks=pytest.mark.celery_fault(kind=kind, **lasting))
        for kind, begun, lasting in (
            ("latency", "latency", {"lasting": "200ms"}),
            ("bandwidth", "bandwidth", {"lasting": "200ms"}),
            ("slice", "slicing", {"lasting": "200ms"}),
            ("black_hole", "black-hole", {"lasting": "200ms"}),
            ("cut", "cut", {"lasting": "200ms"}),
            ("half_open", "half-open", {"lasting": "200ms"}),
            ("reset", "reset", {}),
        )
    ],
)
@pytest.mark.celery_worker(concurrency=1, network=True)
def test_the_network(celery_perf, kind, begun) -> None:
    celery_perf.run(safe)
    assert [fault.kind for fault in celery_perf.history.faults][:2] == [f"await-{kind}", begun]


@pytest.mark.celery_fault(kind="kill_worker", times=2)
def test_too_seldom() -> None:
    unsafe.delay()


@pytest.mark.celery_fault(kind="freeze", at="query:3")
def test_never_reached() -> None:
    safe.delay()


@pytest.mark.celery_fault(kind="freeze", task="office.unsafe")
def test_another_task() -> None:
    safe.delay()
