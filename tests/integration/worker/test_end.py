from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from .workshop import PATIENCE_S, Workshop


def watch(stack: ExitStack, *pids: int) -> list[int]:
    descriptors = [os.pidfd_open(pid) for pid in pids]
    for descriptor in descriptors:
        stack.callback(os.close, descriptor)
    return descriptors


def all_end(descriptors: list[int]) -> bool:
    return all(select.select([descriptor], [], [], PATIENCE_S)[0] for descriptor in descriptors)


def breed(workshop: Workshop) -> list[int]:
    told = workshop.wire()
    workshop.send("plain.breed", told.path)
    return [int(pid) for pid in told.heard().split()]


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_a_kill_leaves_no_descendant(workshop: Workshop, start: str) -> None:
    worker = workshop.boot(workshop.launch(options="-c 2", start=start), workshop.zygote() if start == "warm" else None)
    with ExitStack() as stack:
        family = watch(stack, worker.pid, *breed(workshop))
        worker.kill()
        assert all_end(family)
    assert select.select([worker.exit_fd], [], [], PATIENCE_S)[0]
    assert worker.exit_status == -signal.SIGKILL


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_a_stop_that_takes_too_long_ends_in_a_kill(workshop: Workshop, start: str) -> None:
    worker = workshop.boot(workshop.launch(options="-c 1", start=start), workshop.zygote() if start == "warm" else None)
    with ExitStack() as stack:
        family = watch(stack, worker.pid, *breed(workshop))
        worker.stop(grace_s=0.2)
        assert all_end(family)
    assert worker.exit_status == -signal.SIGKILL


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_a_warm_shutdown_ends_with_status_zero(workshop: Workshop, start: str) -> None:
    worker = workshop.boot(workshop.launch(start=start), workshop.zygote() if start == "warm" else None)
    worker.stop(PATIENCE_S)
    assert worker.exit_status == 0
    assert not Path(f"/proc/{worker.pid}").exists(), "it was not reaped"


def test_a_drained_worker_is_killed_at_once(workshop: Workshop) -> None:
    worker = workshop.boot(workshop.launch(), workshop.zygote())
    worker.stop(PATIENCE_S, drained=True)
    assert worker.exit_status == -signal.SIGKILL
    worker.stop(PATIENCE_S)


def test_a_worker_that_is_stopped_at_once_ends(workshop: Workshop) -> None:
    """However busy the machine is, on which its process may not have run for a moment."""
    worker = workshop.start(workshop.launch("dawdling:app"), workshop.zygote("dawdling:app"))
    assert worker.started_how == "warm"
    worker.stop(0.0, drained=True)
    assert worker.exit_status == -signal.SIGKILL


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_other_signals_reach_the_main_process_alone(workshop: Workshop, start: str) -> None:
    worker = workshop.boot(workshop.launch(options="-c 1", start=start), workshop.zygote() if start == "warm" else None)
    with ExitStack() as stack:
        _, of_its_group, _ = watch(stack, *breed(workshop))
        worker.kill(signal.SIGTERM)
        while not any("Warm shutdown" in line for line in worker.log_tail()):
            assert worker.alive
        assert not select.select([of_its_group], [], [], 0)[0]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_workers_end_with_their_preloaded_process(workshop: Workshop) -> None:
    zygote = workshop.zygote()
    worker = workshop.boot(workshop.launch(options="-c 1"), zygote)
    with ExitStack() as stack:
        family = watch(stack, worker.pid, *children_of(worker.pid))
        zygote.close()
        assert all_end(family)
    assert worker.exit_status == -signal.SIGKILL


# A test run in miniature, which starts a warm and a cold worker and waits to be killed.
RUN = """
import sys
sys.path[:] = {path!r}
from contextlib import ExitStack
from pathlib import Path
from tests.integration.worker.workshop import Workshop, a_run
with a_run(Path({parent!r})) as (run, guard), ExitStack() as stack:
    workshop = Workshop(stack, run, guard, {url!r})
    zygote = workshop.zygote()
    workers = [workshop.boot(workshop.launch(options="-c 1", start=start), zygote) for start in ("warm", "cold")]
    print(*(worker.pid for worker in workers), guard.pid, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_survives_a_killed_run(tmp_path: Path, broker_urls: object, workshop: Workshop, number: int) -> None:
    root = str(Path(__file__).parents[3])
    program = RUN.format(path=[root, *sys.path], parent=str(tmp_path / "runs"), url=workshop.url)
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout is not None
        *workers, guard = map(int, run.stdout.readline().split())
        with ExitStack() as stack:
            family = watch(stack, *workers, *(child for worker in workers for child in children_of(worker)), guard)
            run.send_signal(number)
            run.wait(PATIENCE_S)
            assert all_end(family)
