"""A worker is told to end; what becomes of each task is told in test_shutdowns.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from acts import await_end, await_held, await_line, await_silence, peers, with_gevent
from mill import early, hasty, late

WARM = "Warm shutdown"
"""What a worker says once it takes nothing more."""

reliable = pytest.mark.celery_reliable(max_executions=2)
one_slot = pytest.mark.celery_worker(concurrency=1, prefetch=4)


@one_slot
def test_term(celery_perf, celery_faults, tmp_path: Path) -> None:
    gate, leaving = tmp_path / "gate", celery_perf.workers[0]
    for _ in range(4):
        late.delay(str(gate))
    celery_faults.when("received", nth=4)
    celery_faults.when("started")
    celery_faults.terminate()
    await_line(leaving, WARM)
    gate.touch()


@peers(prefetch=2)
def test_term_beside_a_peer(celery_perf, celery_faults, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for gate, nth in ((first, 2), (second, 4)):
        for _ in range(2):
            late.delay(str(gate))
        celery_faults.when("received", nth=nth)
    celery_faults.when("started", nth=2)
    leaving = next(each for each in celery_perf.workers if each.launch.node.startswith("one@"))
    celery_faults.terminate("one")
    await_line(leaving, WARM)
    first.touch()
    await_end(leaving)
    await_held(celery_perf, 2)
    celery_faults.when("received", nth=5)
    second.touch()


@reliable
@one_slot
@pytest.mark.parametrize("task", [early, late], ids=lambda task: task.__name__)
def test_quit_prefork(celery_perf, celery_faults, tmp_path: Path, task: Any) -> None:
    result = _quit(celery_perf, celery_faults, tmp_path, task)
    celery_perf.wait()
    assert result.state == ("RETRY" if task is early else "SUCCESS")


@reliable
@pytest.mark.celery_worker(pool="solo")
def test_quit_solo(celery_perf, celery_faults, tmp_path: Path) -> None:
    late.delay(str(tmp_path / "gate"))
    celery_faults.when("started", late)
    celery_faults.quit()
    await_line(celery_perf.workers[0], "NotImplementedError")


@with_gevent
@reliable
@pytest.mark.celery_worker(pool="gevent", concurrency=2)
def test_quit_gevent(celery_perf, celery_faults, tmp_path: Path) -> None:
    _quit(celery_perf, celery_faults, tmp_path, late)


@pytest.mark.celery_worker(pool="threads", concurrency=2)
def test_quit_threads(celery_perf, celery_faults, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    late.delay(str(gate))
    celery_faults.when("started", late)
    celery_faults.quit()
    # What ends in the few milliseconds until the worker waits for its threads is put back, and runs again.
    await_silence(celery_perf)
    gate.touch()
    await_end(celery_perf.workers[0])


@pytest.mark.celery_recovery(kill="worker", signal="SIGQUIT", at="started", max_executions=2)
@pytest.mark.celery_worker(pool="threads", concurrency=2, env={"MILL_SUBMITS_SLOWLY": "1"})
def test_quit_a_thread_that_has_just_begun() -> None:
    late.delay()


def _quit(celery_perf, celery_faults, folder: Path, task: Any) -> Any:
    """Tell a worker to stop at once while it runs a task, which only ends in another."""
    gate, leaving = folder / "gate", celery_perf.workers[0]
    result = task.delay(str(gate))
    celery_faults.when("started", task)
    celery_faults.quit()
    await_end(leaving)
    gate.touch()
    return result


@pytest.mark.celery_worker(concurrency=1, config={"worker_soft_shutdown_timeout": 1})
def test_soft_and_too_short(celery_faults) -> None:
    hasty.delay(60)
    celery_faults.when("started")
    celery_faults.soft_shutdown()


@pytest.mark.celery_worker(concurrency=1, config={"worker_soft_shutdown_timeout": 3})
def test_soft_and_long_enough(celery_perf, celery_faults, tmp_path: Path) -> None:
    late.delay(str(tmp_path / "gate"))
    celery_faults.when("started")
    celery_faults.soft_shutdown()
    await_line(celery_perf.workers[0], "Initiating Soft Shutdown")
    (tmp_path / "gate").touch()
    await_end(celery_perf.workers[0])
