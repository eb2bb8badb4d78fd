"""A run counts its tasks by their final state, and what they did on the way there."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.measure.lives import Fate
from pytest_celery_perf.measure.summary import Run
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution, Outcome
from tests.unit.histories import NAME, at, crashed, execution, failed, fault, history, publication, query, retried


def test_a_run_without_tasks_counts_nothing() -> None:
    run = Run.of(History())
    assert (run.tasks, run.attempts, run.executions, run.succeeded, run.runtime.count) == (0, 0, 0, 0, 0)
    assert run.by_task == {}


def test_a_run_counts_tasks_attempts_and_executions() -> None:
    run = Run.of(
        history(
            retried("t1", countdown_s=1),
            crashed("t1", retries=1, received=20, started=21),
            execution("t1", retries=1, delivery=2, redelivered=True, received=40, started=41),
            failed("t2"),
            execution("t3", started=None, outcome=Outcome.REVOKED),
        )
    )
    assert (run.tasks, run.attempts, run.executions, run.retried) == (3, 3, 4, 1)
    assert (run.succeeded, run.failed, run.revoked, run.unfinished) == (1, 1, 1, 0)


def test_a_run_is_told_in_a_line() -> None:
    assert repr(Run.of(History())) == "Run(0 tasks, executions 0, retried 0×)"
    run = Run.of(history(retried("t1", countdown_s=1), execution("t1", retries=1, received=20, started=21)))
    assert repr(run) == "Run(1 task, 1 succeeded, executions 2, retried 1×)"
    run = Run.of(history(failed("t1"), execution("t2"), execution("t3")))
    assert str(run) == "Run(3 tasks, 2 succeeded, 1 failed, executions 3, retried 0×)"


def test_a_run_measures_phases_of_executions_and_of_tasks() -> None:
    run = Run.of(history(retried(countdown_s=1, body=5), execution(retries=1, received=20, started=23, body=7)))
    assert run.runtime.samples_ns == (5_000_000, 7_000_000)
    assert run.prefetch.samples_ns == (1_000_000, 3_000_000)
    assert run.queue.samples_ns == (2_000_000, 4_000_000)
    assert run.end_to_end.samples_ns == (30_000_000,)


def test_a_row_for_each_task_name() -> None:
    hooks = query(100, phase="hooks")
    run = Run.of(
        history(
            *(execution(f"t{number}", queries=(query(number), query(1), hooks)) for number in range(1, 6)),
            failed("u1", name="shop.tasks.mail"),
        )
    )
    charge, mail = run.by_task[NAME], run.by_task["shop.tasks.mail"]
    assert (charge.tasks, charge.executions, charge.succeeded, charge.failed, charge.retries) == (5, 5, 5, 0, 0)
    assert (charge.queries_median, charge.queries_max) == (4, 6)
    assert (charge.runtime_p50_s, charge.runtime_p95_s, charge.queue_p50_s) == (0.010, None, 0.002)
    assert (mail.failed, mail.runtime_p50_s, mail.queries_max) == (1, None, 0)


def test_a_row_of_a_task_that_never_ran_has_no_figures() -> None:
    row = Run.of(History(publications=(publication(),))).by_task[NAME]
    assert (row.tasks, row.executions, row.queries_max, row.queries_median) == (1, 0, None, None)


@st.composite
def executions(draw: st.DrawFn) -> Execution:
    """An execution that got as far as chance had it."""
    received = draw(st.floats(min_value=0, max_value=100))
    fields = {
        "retries": draw(st.integers(0, 2)),
        "delivery": draw(st.integers(1, 2)),
        "requeued_ns": draw(st.sampled_from([None, at(200)])),
        "acknowledged_ns": draw(st.sampled_from([None, at(200)])),
        "outcome": draw(st.sampled_from([None, *Outcome])),
        "boot": draw(st.sampled_from(["boot-1", "boot-2"])),
    }
    started = draw(st.sampled_from([None, received + 1]))
    task_id = draw(st.sampled_from(["t1", "t2", "t3", "t4"]))
    return execution(task_id, received=received, started=started, ended=draw(st.booleans()), **fields)


@given(st.lists(executions(), max_size=12), st.lists(st.sampled_from(["t1", "t2", "t9"]), max_size=3), st.booleans())
def test_the_outcome_counts_partition_the_tasks(ran: list[Execution], stuck: list[str], killed: bool) -> None:
    told = history(*ran, stuck_unacked=tuple(stuck), faults=(fault(ms=150),) if killed else ())
    run = Run.of(told)
    counts = [getattr(run, fate.value) for fate in Fate]
    assert sum(counts) == run.tasks == len({each.task_id for each in ran})
    assert sum(row.tasks for row in run.by_task.values()) == run.tasks
    assert run.attempts <= run.executions
