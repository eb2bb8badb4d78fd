"""``celery_faults`` as a user has it; all of these pass."""

from __future__ import annotations

import pytest
from office import add, safe, unsafe

from pytest_celery_perf import CeleryFaults, CeleryPerf, ConfigurationError, UnfinishedTasksError


def kinds(celery_perf: CeleryPerf) -> list[str]:
    return [fault.kind for fault in celery_perf.history.faults]


def test_kill_child(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        safe.delay()
        first = held.wait()
        celery_faults.kill_child(first)
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 2)
    assert kinds(celery_perf) == ["hold", "kill-child"]
    assert len({each.pid for each in run.history.executions}) == 2


def test_kill_worker(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe):
        safe.delay()
        celery_faults.when("started", safe)
        celery_faults.kill_worker()
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 2)
    assert kinds(celery_perf) == ["hold", "kill-worker", "worker-ended", "restored", "worker-restarted"]


def test_what_is_acknowledged_early_is_lost(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(unsafe):
        unsafe.delay()
        celery_faults.when("started", unsafe)
        celery_faults.kill_worker()
    run = celery_perf.wait()
    assert (run.lost, run.executions) == (1, 1)


def test_terminate(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        celery_faults.terminate()
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 1)


def test_quit(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        celery_faults.quit()
        celery_faults.when("received", safe, nth=2)
    assert celery_perf.wait().succeeded == 1


def test_freeze(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.freeze():
        safe.delay()
        with pytest.raises(UnfinishedTasksError, match="office.safe received: not within 200ms"):
            celery_faults.when("received", safe, timeout=0.2)
    assert celery_perf.wait().succeeded == 1
    assert kinds(celery_perf) == ["freeze-worker", "thaw-worker"]


def test_what_lasts_is_undone_at_the_end(celery_faults: CeleryFaults) -> None:
    celery_faults.freeze()
    safe.delay()


def test_the_broker_is_killed(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        for _ in range(4):
            safe.delay()
        held.wait()
        celery_faults.when("received", safe, nth=4)
        with celery_faults.broker.kill():
            assert not celery_perf.broker.ping()
        assert celery_perf.broker.ping()
    assert celery_perf.wait().succeeded == 4


def test_the_broker_is_paused(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.broker.pause():
        assert not celery_perf.broker.ping()
    assert celery_perf.run(add, (1, 2)).succeeded == 1


def test_connections_are_dropped(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        assert celery_faults.broker.drop_connections() > 0
    assert celery_perf.wait().succeeded == 1


def test_mistakes(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    for call, words in (
        (lambda: celery_faults.kill_child(), "no task runs now; wait for one by when"),
        (lambda: celery_faults.kill_worker("nobody"), "worker='nobody' is not one of default"),
        (lambda: celery_faults.when("lunch"), "event='lunch' is not one of received, started"),
        (lambda: celery_faults.hold(at="lunch"), "at='lunch' is not"),
        (lambda: celery_faults.soft_shutdown(), "worker_soft_shutdown_timeout=0.0 makes it a cold one"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            call()
