"""``celery_faults`` as a user has it; all of these pass."""

from __future__ import annotations

import pytest
from office import add, limited, safe, unsafe

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
    with celery_faults.hold(safe) as held:
        safe.delay()
        celery_faults.kill_worker(held.wait())
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 2)
    assert kinds(celery_perf) == ["hold", "kill-worker", "worker-ended", "restored", "worker-restarted"]


def test_what_is_acknowledged_early_is_lost(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(unsafe) as held:
        unsafe.delay()
        celery_faults.kill_worker(held.wait())
    run = celery_perf.wait()
    assert (run.lost, run.executions) == (1, 1)


def test_terminate(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        celery_faults.terminate()
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (1, 1)


def test_a_supervisor_has_no_patience(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        celery_faults.terminate(grace="100ms")
        celery_faults.when("received", safe, nth=2)
    assert celery_perf.wait().executions == 2
    assert kinds(celery_perf)[:4] == ["hold", "stop-worker", "kill-worker", "worker-ended"]


def test_nobody_starts_another_worker(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    celery_faults.kill_worker(restart=False)
    safe.delay()
    with pytest.raises(UnfinishedTasksError):
        celery_perf.wait()
    celery_faults.heal()
    assert celery_perf.wait().succeeded == 1


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
        with pytest.raises(UnfinishedTasksError, match=r"office\.safe received: not within"):
            celery_faults.when("received", safe, timeout=0.2)
    assert celery_perf.wait().succeeded == 1
    assert kinds(celery_perf) == ["freeze-worker", "thaw-worker"]


def test_what_a_frozen_worker_holds_is_delivered_again(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        with celery_faults.freeze():
            assert celery_faults.redeliver() == 1
        again = celery_faults.when("started", safe, nth=2)
    assert again.redelivered
    assert celery_perf.wait().executions == 2


@pytest.mark.celery_worker(concurrency=1, prefetch=1)
def test_what_is_delivered_again_is_waited_for(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    """The worker takes it only once it has acknowledged the first delivery, and has nothing to do in between."""
    with celery_faults.hold(safe) as held:
        safe.delay()
        held.wait()
        celery_faults.redeliver()
    assert celery_perf.wait().executions == 2


@pytest.mark.celery_worker(name="one", concurrency=1, prefetch=1)
@pytest.mark.celery_worker(name="two", concurrency=1, prefetch=1)
def test_what_was_put_back_runs_no_more(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe, times=3) as held:
        safe.delay()
        for deliveries in (1, 2):
            held.wait(deliveries)
            celery_faults.kill_child()
        held.wait(3)
        celery_faults.kill_worker()
    assert celery_perf.wait().executions == 4


def test_nothing_can_be_delivered_again(celery_faults: CeleryFaults) -> None:
    with pytest.raises(ConfigurationError, match=r'the worker default holds no message; wait for one by when\("rec'):
        celery_faults.redeliver()
    with celery_faults.hold(unsafe) as held:
        unsafe.delay()
        first = held.wait()
        with pytest.raises(ConfigurationError, match=r"runs office\.unsafe, and has acknowledged its message already"):
            celery_faults.redeliver(first)


@pytest.mark.celery_worker(name="one", concurrency=1, prefetch=1)
@pytest.mark.celery_worker(name="two", concurrency=1, prefetch=1)
def test_another_worker_has_it(celery_faults: CeleryFaults) -> None:
    with celery_faults.hold(safe) as held:
        safe.delay()
        busy = held.wait().worker.partition("@")[0]
        idle = "one" if busy == "two" else "two"
        with pytest.raises(ConfigurationError, match=f"the worker {idle} holds no message, {busy} does: pass the exec"):
            celery_faults.redeliver(idle)


@pytest.mark.celery_worker(name="one", concurrency=1, prefetch=1)
@pytest.mark.celery_worker(name="two", concurrency=1, prefetch=1)
def test_nobody_can_receive_it(celery_faults: CeleryFaults) -> None:
    words = r"nobody could: of those that consume the queue 'celery', one is dead, two is frozen"
    celery_faults.kill_worker("one", restart=False)
    with celery_faults.freeze("two"):
        safe.delay()
        with pytest.raises(UnfinishedTasksError, match=words):
            celery_faults.when("received", safe, timeout=0.2)


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


def test_the_hard_time_limit(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    celery_faults.time_limit(limited)
    run = celery_perf.run(limited)
    assert (run.failed, run.executions) == (1, 1)
    (execution,) = run.history.executions
    assert execution.error is not None
    assert execution.error.type == "billiard.exceptions.TimeLimitExceeded"


def test_the_soft_time_limit(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    celery_faults.time_limit(limited, soft=True)
    (execution,) = celery_perf.run(limited).history.executions
    assert execution.error is not None
    assert execution.error.type == "billiard.exceptions.SoftTimeLimitExceeded"


def test_a_limit_that_is_ordered_again(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    celery_faults.time_limit(limited)
    celery_perf.run(limited)
    celery_faults.time_limit(limited, at="finished")
    celery_perf.run(limited)


@pytest.mark.celery_worker(concurrency=1, options="--max-memory-per-child=1000000000")
def test_recycle(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    celery_faults.recycle(safe, times=2)
    run = celery_perf.run(safe, times=4)
    assert run.succeeded == 4
    assert len({each.pid for each in run.history.executions}) == 3


def test_a_script(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    with celery_faults.script(seed=3, steps=3, kinds=["kill_child", "freeze"]) as script:
        for _ in range(12):
            safe.delay()
    assert [(step.kind, step.start, step.lasting_s, step.skipped) for step in script.steps] == [
        ("kill_child", 3, 0.0, ""),
        ("freeze", 6, 0.53, ""),
        ("kill_child", 9, 0.0, ""),
    ]
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (12, 14)
    script_of = [fault.point for fault in celery_perf.history.faults if fault.kind == "await-script"]
    assert script_of == ["started 3", "started 6", "started 9"]


def test_a_script_that_outlasts_the_tasks(celery_faults: CeleryFaults) -> None:
    script = celery_faults.script(seed=3, steps=3, kinds=["quit"])
    with pytest.raises(ConfigurationError, match="none of its faults has struck"), script:
        safe.delay()
    assert {step.skipped for step in script.steps} == {"no task was left"}


def test_a_body_that_fails_in_a_script(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    def body() -> None:
        with celery_faults.script(seed=3, steps=3, kinds=["kill_child"]):
            for _ in range(3):
                safe.delay()
            raise LookupError

    with pytest.raises(LookupError):
        body()
    run = celery_perf.wait()
    assert (run.succeeded, run.executions) == (3, 3)


def test_a_script_is_the_head_of_a_block(celery_faults: CeleryFaults) -> None:
    celery_faults.script(seed=3)
    with pytest.raises(ConfigurationError, match="publish tasks in its with block"):
        celery_faults.heal()


def test_mistakes(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    for call, words in (
        (celery_faults.kill_child, "no task runs now; wait for one by when"),
        (lambda: celery_faults.kill_worker("nobody"), "worker='nobody' is not one of default"),
        (lambda: celery_faults.kill_worker(3), "worker=3 is not one of default"),  # type: ignore[arg-type]
        (lambda: celery_faults.kill_child("default"), "execution='default' is none; give what when"),  # type: ignore[arg-type]
        (lambda: celery_faults.when("lunch"), "event='lunch' is not one of received, started"),
        (lambda: celery_faults.hold(at="lunch"), "at='lunch' is not"),
        (celery_faults.soft_shutdown, "worker_soft_shutdown_timeout is 0, which makes it a cold one"),
        (lambda: celery_faults.time_limit(safe), "office.safe has no time_limit, so that nothing ends it"),
        (lambda: celery_faults.time_limit(limited, at="received"), 'at="received": no process runs the task yet'),
        (lambda: celery_faults.out_of_memory(safe), "no worker has a limit of its memory"),
        (lambda: celery_faults.recycle(safe), "no worker has --max-memory-per-child"),
        (lambda: celery_faults.script(1, kinds=["flood"]), "kinds='flood' is not one of kill_child, kill_worker"),
    ):
        with pytest.raises(ConfigurationError, match=words):
            call()


def test_a_limit_that_strikes_after_the_body(celery_faults: CeleryFaults) -> None:
    celery_faults.time_limit(limited)
    limited.delay()


def test_too_seldom(celery_faults: CeleryFaults) -> None:
    celery_faults.time_limit(limited, soft=True, times=2)
    limited.delay()
