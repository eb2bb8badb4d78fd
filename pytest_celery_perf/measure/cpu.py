"""How much of the CPU an execution took."""

from __future__ import annotations

from collections.abc import Iterable

from pytest_celery_perf.model.record import Execution


def cpu_ns(execution: Execution) -> int | None:
    """Return the CPU time of a task's own function.

    Returns:
        Nanoseconds: of its thread, or where the test asks for it of all threads of its process and of the commands that
        it ran; on gevent, where the test asks for it, of its greenlets. None where the thread was shared, or the
        function did not run.
    """
    use, thread = execution.figures.cpu, execution.figures.thread
    if use is not None:
        return use.process_ns + use.commands_ns
    return thread.running_ns if execution.cpu_ns is None and thread is not None else execution.cpu_ns


def cpu_share(executions: Iterable[Execution]) -> float | None:
    """Return which share of their runtime the CPU worked for some executions.

    Returns:
        CPU time over runtime, each added up: near 0 for tasks that wait, near 1 for tasks that compute, more for those
        that compute on several cores; None if nothing is known.
    """
    known = [
        (cpu, each.body_ended_ns - each.body_started_ns)
        for each in executions
        if (cpu := cpu_ns(each)) is not None and each.body_started_ns is not None and each.body_ended_ns is not None
    ]
    runtime_ns = sum(runtime for _, runtime in known)
    return sum(cpu for cpu, _ in known) / runtime_ns if runtime_ns else None
