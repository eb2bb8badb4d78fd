"""The ``celery_perf`` fixture, as a user has it; all of these pass."""

from __future__ import annotations

import os
import re
from itertools import pairwise
from pathlib import Path

import pytest
from celery import chain, group
from office import add, app, counted, fan_out, fragile, growing, silent, stand, steady, whereabouts

from pytest_celery_perf import CeleryPerf, ConfigurationError, NotEnoughSamplesError, UnfinishedTasksError
from pytest_celery_perf.model.record import Outcome


def test_run(celery_perf: CeleryPerf) -> None:
    run = celery_perf.run(add, args=(1,), kwargs={"y": 2}, times=5)
    assert (run.tasks, run.succeeded, run.failed, run.retried, run.lost, run.unfinished) == (5, 5, 0, 0, 0, 0)
    assert (run.attempts, run.executions, run.runtime.count, run.end_to_end.count) == (5, 5, 5, 5)
    assert 0 < run.runtime.min <= run.runtime.p50 <= run.runtime.max < run.end_to_end.max


def test_run_by_name_and_by_signature(celery_perf: CeleryPerf) -> None:
    assert celery_perf.run("office.add", (1, 2)).succeeded == 1
    assert celery_perf.run(add.s(1, 2)).succeeded == 1
    assert celery_perf.wait().succeeded == 2


def test_run_tells_of_its_own_tasks_only(celery_perf: CeleryPerf) -> None:
    add.delay(1, 2)
    assert celery_perf.run(silent).tasks == 1
    assert celery_perf.wait().tasks == 2


def test_run_waits_for_what_was_published_before_it(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    stand.delay(str(tmp_path / "gate"))
    with pytest.raises(UnfinishedTasksError, match=r"office\.stand\["):
        celery_perf.run(silent, timeout=0.2)
    (tmp_path / "gate").write_text("go on")
    celery_perf.run(silent)
    (stood,) = (each for each in celery_perf.history.executions if each.name == "office.stand")
    assert stood.outcome == Outcome.SUCCEEDED


def test_concurrency(celery_perf: CeleryPerf) -> None:
    run = celery_perf.run(add, (1, 2), times=4, concurrency=1)
    spans = [(each.received_ns or 0, each.ended_ns or 0) for each in run.history.executions]
    assert all(ended <= received for (_, ended), (received, _) in pairwise(spans))


def test_timeout(celery_perf: CeleryPerf, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    with pytest.raises(UnfinishedTasksError, match="1 of 1 task had not finished after"):
        celery_perf.run(stand, (str(tmp_path / "gate"),), timeout=0.2)
    (tmp_path / "gate").write_text("go on")
    assert celery_perf.wait().succeeded == 1


def test_failures_are_counted(celery_perf: CeleryPerf) -> None:
    run = celery_perf.run(fragile, (True,))
    assert run.failed == 1
    (execution,) = run.history.executions
    assert execution.error is not None
    assert (execution.error.type, execution.error.message) == ("builtins.LookupError", "the drawer is empty")


def test_fail_by_class(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(fragile)
    assert [celery_perf.run(fragile).failed for _ in range(2)] == [1, 0]


def test_fail_by_instance(celery_perf: CeleryPerf) -> None:
    celery_perf.fail("office.fragile", with_=OSError(28, "disk full"), times=2)
    run = celery_perf.run(fragile, times=3)
    assert (run.failed, run.succeeded) == (2, 1)
    assert {each.error.message for each in run.history.executions if each.error} == {"[Errno 28] disk full"}


def test_fail_of_another_task_does_not_matter(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(fragile)
    assert celery_perf.run(add, (1, 2)).succeeded == 1
    assert celery_perf.run(fragile).failed == 1


def test_fail_of_one_task_and_of_any(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(fragile)
    celery_perf.fail(fragile, with_=KeyError)
    celery_perf.fail(with_=OSError)
    assert celery_perf.run(fragile, times=3).failed == 3


@pytest.mark.celery_retries(attempts=3)
def test_autoretry_catches_what_was_injected(celery_perf: CeleryPerf) -> None:
    celery_perf.fail(growing, times=2)
    run = celery_perf.run(growing)
    assert (run.succeeded, run.attempts, run.retried, run.executions) == (1, 3, 2, 3)


def test_children(celery_perf: CeleryPerf) -> None:
    run = celery_perf.run(fan_out, (3,))
    assert (run.succeeded, run.by_task["office.add"].tasks) == (4, 3)
    (parent,) = run.history.named("office.fan_out")
    assert {each.parent_id for each in run.history.named("office.add")} == {parent.task_id}


def test_group_and_chain(celery_perf: CeleryPerf) -> None:
    group(add.s(n, n) for n in range(3)).delay()
    assert celery_perf.wait().succeeded == 3
    chain(add.si(1, 2), add.si(3, 4), silent.si()).delay()
    assert celery_perf.wait().succeeded == 6


def test_send_task(celery_perf: CeleryPerf) -> None:
    app.send_task("office.silent")
    assert celery_perf.wait().succeeded == 1


def test_no_result_backend(celery_perf: CeleryPerf) -> None:
    assert app.conf.result_backend is None
    assert silent.delay().id in {each.task_id for each in celery_perf.wait().history.executions}


def test_a_call_of_the_class_s_own(celery_perf: CeleryPerf) -> None:
    assert celery_perf.run(counted, times=3).succeeded == 3
    assert not counted.calls


def test_a_shared_task(celery_perf: CeleryPerf) -> None:
    assert celery_perf.run(whereabouts).succeeded == 1


@pytest.mark.celery_worker(name="left", queues="left", concurrency=1)
@pytest.mark.celery_worker(name="right", queues=["right", "both"], pool="threads", concurrency=2)
def test_workers_and_broker(celery_perf: CeleryPerf) -> None:
    for queue in ("left", "right", "both"):
        whereabouts.apply_async(queue=queue)
    history = celery_perf.wait().history
    where = {each.queue: (each.worker.partition("@")[0], each.pool) for each in history.executions}
    assert where == {"left": ("left", "prefork"), "right": ("right", "threads"), "both": ("right", "threads")}
    assert [worker.launch.spec.name for worker in celery_perf.workers] == ["left", "right"]
    assert all(worker.alive for worker in celery_perf.workers)
    node = next(each.worker for each in history.executions if each.queue == "right")
    right = celery_perf.workers[1]
    assert repr(right) == f"Worker({node} -Q right,both -P threads -c 2: pid {right.pid})"
    assert celery_perf.broker.ping()
    assert len(celery_perf.history.executions) == 3


@pytest.mark.celery_worker(name="set", config={"task_default_queue": "other"}, env={"COLOUR": "red"}, start="cold")
def test_a_worker_with_settings(celery_perf: CeleryPerf) -> None:
    whereabouts.apply_async(queue="other")
    (worker,) = celery_perf.wait().history.workers
    assert (worker.queues, worker.started_how[:4]) == (("other",), "cold")


def test_percentiles_of_too_few(celery_perf: CeleryPerf) -> None:
    run = celery_perf.run(add, (1, 2), times=5)
    with pytest.raises(NotEnoughSamplesError, match="p95 of the runtime needs 20 samples, there are 5: run the task"):
        _ = run.runtime.p95


def test_mistakes(celery_perf: CeleryPerf) -> None:
    class LocalError(Exception):
        pass

    for call, words in (
        (lambda: celery_perf.run(add, times=0), "times=0 is not a whole number from 1"),
        (lambda: celery_perf.run(add, concurrency=0), "concurrency=0 is not a whole number from 1"),
        (lambda: celery_perf.run("office.ad"), "there is no task 'office.ad' in office:app; did you mean 'office.add'"),
        (lambda: celery_perf.run(None), "celery_perf: task=None is neither a task, its name nor a signature"),
        (lambda: celery_perf.run(add, kwargs=[1]), "celery_perf.run: kwargs=[1]: expected a dict of arguments by name"),  # type: ignore[arg-type]
        (lambda: celery_perf.run(add, args=1), "run: args=1: expected a list or tuple of arguments, such as ('abc',)"),  # type: ignore[arg-type]
        (lambda: celery_perf.run(add, timeout="soon"), "timeout='soon': expected seconds"),
        (lambda: celery_perf.fail(add, with_=LocalError), "is defined inside a function: no worker can import it"),
        (lambda: celery_perf.fail(add, with_=3), "with_=3 is no exception"),  # type: ignore[arg-type]
        (lambda: celery_perf.fail(steady, times=0), "times=0 is not a whole number from 1"),
    ):
        with pytest.raises(ConfigurationError, match=re.escape(words)):
            call()
