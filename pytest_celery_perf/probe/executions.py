"""The process that runs the tasks: each execution from its start to its end."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import (
    context,
    counters,
    django_glue,
    effects,
    instruments,
    queries,
    stacks,
    touch,
    unstored,
    wire,
)
from pytest_celery_perf.probe.attempt import RunningAttempt, describe_error, outcome_of
from pytest_celery_perf.probe.callsite import is_user_file
from pytest_celery_perf.probe.faults import Faults
from pytest_celery_perf.probe.orders import HEADER, orders_for
from pytest_celery_perf.probe.readings import Counted

if TYPE_CHECKING:
    from pytest_celery_perf.probe.journal import Journal
    from pytest_celery_perf.probe.publish import Header

_Trace = Callable[..., Any]
"""Executes a task: ``(id, args, kwargs, request)``."""
_DEAF = ("threads", "gevent")
"""The pools in which nobody hears of an exception that leaves the tracer, and so nobody acknowledges the message.

Source:
    ``apply_target`` in celery/concurrency/base.py raises it into a thread or greenlet that nobody asks. A prefork child
    reports it, and solo's worker takes it for a broken connection.
"""


class ExecutionWatch:
    """Notes the start and the end of each execution. The probe's hot path.

    Args:
        journal: Where the records go.
        faults: Carries out the faults that a message asks for.
        spool: Where this process writes its stacks when it is asked to.
    """

    def __init__(self, journal: Journal, faults: Faults, spool: str) -> None:
        self._journal = journal
        self._faults = faults
        self._spool = spool
        self._token = ""
        self._turning = threading.Lock()
        self._databases = django_glue.Databases()
        self._ran: set[str] = set()
        """The names of the tasks that this process has run."""
        self._pool = ""
        self._count_cpu = True
        self._acknowledges_at_start = True
        os.register_at_fork(after_in_child=self._ran.clear)

    def configure(self, pool: str) -> None:
        """Learn which pool this worker has."""
        self._pool = pool
        # Greenlets share a thread, whose CPU time belongs to all of them.
        self._count_cpu = pool != "gevent"
        # The solo pool acknowledges after the body, whatever the task says.
        self._acknowledges_at_start = pool != "solo"

    def current_header(self) -> Header | None:
        """Return our header of the message that is being executed."""
        attempt = context.current()
        return None if attempt is None else attempt.header

    def current_id(self) -> str | None:
        """Return the id of the task that is being executed."""
        attempt = context.current()
        return None if attempt is None else attempt.task_id

    def announce(self, record: wire.Publishing) -> None:
        """Write down that a message is about to be published, unless a fault may still prevent that."""
        attempt = context.current()
        if attempt is None or attempt.touches is None:
            self._journal.write(record)
        else:
            attempt.touches.announce(record)

    def watch_tracers(self) -> None:
        """See every execution from now on, whatever pool runs it.

        Begin and end surround Celery's whole tracer. The app's own receivers of ``task_prerun`` and ``task_postrun``
        are in between, whenever they were connected, and two signals are not sent.
        """
        from celery.app.task import Task

        Task.__trace__ = _WatchedTracer(self.watched)

    def watched(self, task: Any, trace: _Trace) -> _Trace:
        """Return a task's tracer with the begin and the end of each execution noted.

        Args:
            task: The task.
            trace: What ``celery.app.trace.build_tracer`` made for it.

        Source:
            ``celery.app.trace.build_tracer``: a tracer returns ``(result, Info or None, runtime or None, text)``. There
            is an ``Info`` unless the task succeeded; there is no runtime either if Celery found that it had succeeded
            before (``worker_deduplicate_successful_tasks``).
        """

        def trace_noted(uuid: str, args: Any, kwargs: Any, request: dict[str, Any] | None = None) -> Any:
            attempt = None if request is None or HEADER not in request else self._begin(task, uuid, request)
            if attempt is None:
                return trace(uuid, args, kwargs, request)
            try:
                traced = trace(uuid, args, kwargs, request)
            except BaseException as error:
                # What is no Exception ends the process, as the signal of a time limit does: its worker tells why.
                self._end(attempt, None, error if isinstance(error, Exception) else None)
                raise
            info = traced[1]
            if info is not None:
                self._end(attempt, info.state, info.retval)
            else:
                self._end(attempt, "DEDUPLICATED" if traced[2] is None else "SUCCESS", None)
            return traced

        return trace_noted

    def _begin(self, task: Any, task_id: str, request: dict[str, Any]) -> RunningAttempt | None:
        try:
            return self._enter(task, task_id, request)
        except Exception as error:
            self._journal.problem(f"the begin of {task.name}: {error!r}")
            return None

    def _end(self, attempt: RunningAttempt, state: str | None, retval: Any) -> None:
        try:
            if isinstance(retval, Exception) and state in (None, "FAILURE"):
                attempt.unheard = state is None and self._pool in _DEAF
                state, retval = unstored.real_end(attempt, state, retval)
            self._leave(attempt, state, retval)
        except Exception as error:
            self._journal.problem(f"the end of {attempt.name}: {error!r}")
        finally:
            # Their tracebacks hold the attempt.
            attempt.raised = attempt.unstored = None

    def _enter(self, task: Any, task_id: str, request: dict[str, Any]) -> RunningAttempt:
        header = request[HEADER]
        if header["t"] != self._token:
            self._turn_to(header)
        name = task.name
        attempt = RunningAttempt(
            name,
            task_id,
            request.get("retries") or 0,
            header,
            orders_for(header, name),
            self._faults,
            queries.Capture() if queries.observed else None,
            self._acknowledges_at_start and not task.acks_late,
        )
        first = name not in self._ran
        if first:
            self._ran.add(name)
            stacks.answer(self._spool)
        attempt.counts_cpu = self._count_cpu
        attempt.unattributed_before = queries.unattributed
        attempt.scope = context.enter(attempt)
        self._journal.write(wire.Started(time.monotonic_ns(), task_id, attempt.retries, attempt.received_ns, first))
        if attempt.orders:
            self._strike(attempt)
        if ("touch" in header or attempt.orders) and touch.is_wanted(header, attempt.orders):
            self._touch(attempt)
        if "measure" in header:
            attempt.measurements = instruments.begin(header["measure"], attempt, self._pool, self._journal.problem)
        return attempt

    def _turn_to(self, header: Header) -> None:
        """Prepare this process for another test; who comes meanwhile, in another thread, waits until that is done."""
        with self._turning:
            if header["t"] == self._token:
                return
            try:
                self._databases.close(header.get("closed", ()))
                django_glue.clear_stale_caches()
            finally:
                self._token = header["t"]

    def _strike(self, attempt: RunningAttempt) -> None:
        """Carry out the faults of its start; what the handler of a signal raises there, its body shall raise.

        In production that signal comes while the body runs.

        Source:
            ``on_cold_shutdown`` in celery/apps/worker.py, which runs in the middle of what the solo pool executes.
        """
        try:
            attempt.strike("started")
        except Exception as error:
            attempt.interruption = error

    def _touch(self, attempt: RunningAttempt) -> None:
        """Number its touch points, unless some would be missing: a sweep would take those for all."""
        try:
            effects.install()
        except Exception as error:
            self._journal.problem(f"the touch points of {attempt.name} are not seen: {error!r}")
        else:
            attempt.touch(touch.Touches(attempt, self._faults, self._journal))

    def _leave(self, attempt: RunningAttempt, state: str | None, retval: Any) -> None:
        if attempt.measurements or attempt.counters:
            self._measured(attempt)
        context.leave(attempt.scope)
        outcome = outcome_of(state)
        countdown = error = None
        if isinstance(retval, BaseException) and outcome != "succeeded":
            cause = getattr(retval, "exc", None) if outcome == "retried" else retval
            error = describe_error(cause if isinstance(cause, BaseException) else retval, is_user_file)
            countdown = _countdown(retval) if outcome == "retried" else None
        capture, journal = attempt.capture, self._journal
        ended_ns = time.monotonic_ns()
        # Before the end, after which nobody may wait for more.
        faults = attempt.announce_end() if attempt.orders or attempt.touches is not None else None
        journal.write(
            wire.Finished(
                ended_ns,
                attempt.task_id,
                attempt.retries,
                attempt.received_ns,
                outcome,
                attempt.body_started_ns,
                attempt.body_ended_ns,
                attempt.cpu_ns,
                countdown,
                error,
                None if capture is None else capture.summary(journal.statement, journal.stack),
                0 if capture is None else capture.connects,
                0 if capture is None else capture.connect_ns,
                queries.unattributed - attempt.unattributed_before,
                attempt.injected,
                None if attempt.unstored is None else describe_error(attempt.unstored, is_user_file),
                attempt.unheard,
            )
        )
        journal.ring()
        if faults:
            attempt.carry_out(faults)

    def _measured(self, attempt: RunningAttempt) -> None:
        """Write down what instruments have measured, and what the task has counted by itself."""
        measured = [(name, self._rows(name, reading, attempt)) for name, reading in reversed(attempt.measurements)]
        if attempt.counters:
            measured.append((counters.NAME, self._counted(attempt)))
        key = attempt.task_id, attempt.retries, attempt.received_ns
        for name, rows in measured:
            if rows is not None:
                self._journal.write(wire.Measured(time.monotonic_ns(), *key, name, rows))

    def _counted(self, attempt: RunningAttempt) -> list[list[Any]]:
        known = []
        for name, counter in [*attempt.counters.items()]:
            if counter.wrong is None:
                known.append([*Counted(name, counter.amount)])
            else:
                self._journal.problem(
                    f"count({name!r}) of {attempt.name} is not known: {counter.wrong} is no finite number"
                )
        return known

    def _rows(self, name: str, reading: instruments.Reading, attempt: RunningAttempt) -> list[list[Any]] | None:
        """Return what an instrument has measured; None if it does not know, or has gone wrong."""
        try:
            rows = reading.end()
            return None if rows is None else [list(row) for row in rows]
        except Exception as error:
            self._journal.problem(f"{name} of {attempt.name} is not measured: {error!r}")
            return None


class _WatchedTracer:
    """The attribute in which Celery keeps the function that executes a task: what is stored there comes back watched.

    Source:
        ``celery.app.task.Task.__trace__``: prefork's ``process_initializer`` and the consumer's
        ``update_strategies`` set it, ``celery.app.trace`` calls it.
    """

    def __init__(self, watched: Callable[[Any, _Trace], _Trace]) -> None:
        self._watched = watched

    def __get__(self, task: Any, owner: type) -> _Trace | None:
        return None if task is None else task.__dict__.get("__trace__")

    def __set__(self, task: Any, trace: _Trace) -> None:
        task.__dict__["__trace__"] = self._watched(task, trace)


def _countdown(retry: Any) -> float | None:
    """Return the seconds that a task asked to wait, from Celery's ``Retry`` exception."""
    when = retry.when
    if when is None or isinstance(when, (int, float)):
        return None if when is None else float(when)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return float(max(0.0, (when - datetime.now(UTC)).total_seconds()))
