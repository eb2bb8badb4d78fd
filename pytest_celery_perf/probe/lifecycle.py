"""The probe itself: listens to a worker's signals and writes down each step of each task."""

from __future__ import annotations

import inspect
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pytest_celery_perf.probe import context, django_glue, overrides, queries, stacks, wire
from pytest_celery_perf.probe.attempt import RunningAttempt, describe_error, outcome_of, with_body
from pytest_celery_perf.probe.callsite import is_user_file
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.probe.faults import HEADER, Faults, orders_for
from pytest_celery_perf.probe.journal import Journal
from pytest_celery_perf.probe.publish import Header, PublishTracker


class Probe:
    """The probe of one worker.

    Its handlers never raise into a task: Celery logs what a signal handler raises and goes on,
    but a record would be missing without a word, so `_safely` notes it as a problem.

    Args:
        config: What the runner says.
    """

    def __init__(self, config: ProbeConfig) -> None:
        self._config = config
        self._journal = Journal(config.spool, config.doorbell, config.boot)
        self._faults = Faults(os.path.dirname(config.doorbell), self._journal)
        self._publishes = PublishTracker(self._journal, self._current_header, self._current_id)
        self._unacked: dict[str, tuple[str, int, int]] = {}
        """Of the main process: (id, retries, received_ns) by delivery tag."""
        self._faulted: dict[int, str] = {}
        """Of the main process: the test of an unacknowledged message that has faults, by time of receipt."""
        self._told: set[str] = set()
        self._ran: set[tuple[int, str]] = set()
        self._token = ""
        self._count_cpu = True
        self._with_queries = False

    # -- booting ---------------------------------------------------------------------------

    def install(self) -> None:
        """Connect to everything. Called before the worker boots and before the app is loaded."""
        from celery import signals

        django_glue.use_databases(self._config.databases)
        self._publishes.connect()
        for signal, handler in (
            (signals.celeryd_init, self.on_init),
            (signals.worker_init, self.on_worker_init),
            (signals.worker_ready, self.on_ready),
            (signals.task_received, self.on_received),
            (signals.task_prerun, self.on_prerun),
            (signals.task_postrun, self.on_postrun),
            (signals.task_failure, self.on_failure),
            (signals.task_revoked, self.on_revoked),
            (signals.task_unknown, self.on_unknown),
        ):
            signal.connect(self._safely(handler), weak=False)
        self._watch_acknowledgments()

    def _safely(self, handler: Callable[..., None]) -> Callable[..., None]:
        def guarded(**kwargs: Any) -> None:
            try:
                handler(**kwargs)
            except Exception as error:
                self._journal.problem(f"{handler.__name__}: {error!r}")

        return guarded

    def on_init(self, instance: Any = None, **_: Any) -> None:
        """The worker has its app, but has done nothing yet."""
        overrides.apply(instance.app, self._config)
        django_glue.use_caches(self._config.caches)

    def on_worker_init(self, sender: Any = None, **_: Any) -> None:
        """All tasks are loaded; their tracers are not built yet."""
        pool = sender.pool_cls.__module__.rpartition(".")[2].replace("thread", "threads")
        context.configure(pool)
        self._pool = pool
        self._count_cpu = pool != "gevent"
        self._with_queries = "django" in sys.modules and django_glue.is_configured()
        if self._with_queries:
            queries.install()
        for task in sender.app.tasks.values():
            # Autoretry calls what it wrapped by this name: an injected error must be raised
            # inside of it, and what it publishes is not the body's.
            attribute = "_orig_run" if hasattr(task, "_orig_run") else "run"
            setattr(task, attribute, with_body(getattr(task, attribute), task.name))

    def on_ready(self, sender: Any = None, **_: Any) -> None:
        """The worker consumes."""
        self._journal.write(
            wire.Ready(
                time.monotonic_ns(),
                sender.hostname,
                self._pool,
                getattr(sender.controller, "concurrency", None),
                list(sender.app.amqp.queues.consume_from),
                list(sender.app.tasks),
                self._config.started,
            )
        )
        self._journal.ring()

    # -- the worker's main process ---------------------------------------------------------

    def on_received(self, request: Any = None, **_: Any) -> None:
        """A message was taken from the broker."""
        headers = request.request_dict
        header = headers.get(HEADER)
        if header is None:
            return
        received_ns = time.monotonic_ns()
        delivery = request.delivery_info
        tag = request.message.delivery_tag
        task = request.task
        if task.name not in self._told:
            self._tell(task)
        key = (request.id, headers.get("retries") or 0, received_ns)
        self._unacked[tag] = key
        headers[HEADER] = {**header, "received": received_ns}
        self._journal.write(
            wire.Received(
                received_ns,
                header["t"],
                request.id,
                headers.get("root_id"),
                headers.get("parent_id"),
                task.name,
                key[1],
                tag,
                delivery["routing_key"],
                delivery["priority"],
                bool(delivery["redelivered"]),
            )
        )
        orders = orders_for(header, task.name)
        if orders:
            self._faulted[received_ns] = header["t"]
        for order in orders:
            if order.at == "received":
                self._faults.strike(order, header["t"], request.id)

    def _tell(self, task: Any) -> None:
        self._told.add(task.name)
        self._journal.write(
            wire.Task(
                task.name,
                bool(task.acks_late),
                bool(task.reject_on_worker_lost),
                bool(task.ignore_result),
                task.max_retries,
                float(task.default_retry_delay or 0),
                hasattr(task, "_orig_run"),
                float(getattr(task, "retry_backoff", 0) or 0),
                float(getattr(task, "retry_backoff_max", 600) or 0),
                bool(getattr(task, "retry_jitter", True)),
                task.time_limit or task.app.conf.task_time_limit,
                task.soft_time_limit or task.app.conf.task_soft_time_limit,
                _definition(task),
            )
        )

    def _watch_acknowledgments(self) -> None:
        """Note when a message leaves the broker, or goes back.

        Celery has no signal for either; kombu's Redis transport does both in two methods.

        Source:
            ``kombu.transport.redis.QoS``.
        """
        from kombu.transport import redis

        patched: Any = redis.QoS
        acknowledge, reject = patched.ack, patched.reject

        def ack(qos: Any, delivery_tag: str) -> None:
            acknowledge(qos, delivery_tag)
            self._left(delivery_tag, wire.Acknowledged)

        def requeue_or_drop(qos: Any, delivery_tag: str, requeue: bool = False) -> None:
            reject(qos, delivery_tag, requeue=requeue)
            self._left(delivery_tag, wire.Requeued if requeue else wire.Acknowledged)

        patched.ack, patched.reject = ack, requeue_or_drop

    def _left(self, tag: str, kind: Any) -> None:
        key = self._unacked.pop(tag, None)
        if key is None:
            return
        self._journal.write(kind(time.monotonic_ns(), *key))
        self._journal.ring()
        token = self._faulted.pop(key[2], None)
        if token is not None:
            self._faults.acknowledged(token, key[0])

    def on_failure(self, task_id: str = "", exception: Any = None, **_: Any) -> None:
        """A task failed: of interest only where the process that ran it could not say so."""
        if context.current() is not None:
            return
        lost = type(exception).__name__ == "WorkerLostError"
        error = describe_error(exception, is_user_file)
        self._journal.write(wire.Failed(time.monotonic_ns(), task_id, "lost" if lost else "failed", error))
        self._journal.ring()

    def on_revoked(self, request: Any = None, expired: Any = False, **_: Any) -> None:
        """A message was discarded."""
        self._journal.write(wire.Revoked(time.monotonic_ns(), request.id, bool(expired)))
        self._journal.ring()

    def on_unknown(self, sender: Any = None, name: str | None = None, **message: Any) -> None:
        """A message named a task that this worker does not know."""
        self._journal.write(wire.Unknown(time.monotonic_ns(), message.get("id") or "", name or "", sender.hostname))
        self._journal.ring()

    # -- the process that runs the task ----------------------------------------------------

    def _current_header(self) -> Header | None:
        attempt = context.current()
        return None if attempt is None else attempt.header

    def _current_id(self) -> str | None:
        attempt = context.current()
        return None if attempt is None else attempt.task_id

    def on_prerun(self, task: Any = None, task_id: str = "", **_: Any) -> None:
        """An execution begins."""
        request = task.request
        header = getattr(request, HEADER, None)
        if header is None or request.called_directly or request.is_eager:
            return
        if header["t"] != self._token:
            self._token = header["t"]
            django_glue.clear_stale_caches()
        name = task.name
        attempt = RunningAttempt(
            name=name,
            task_id=task_id,
            retries=request.retries or 0,
            received_ns=header.get("received", 0),
            header=header,
            orders=orders_for(header, name),
            faults=self._faults,
            capture=queries.Capture() if self._with_queries else None,
            # The solo pool acknowledges after the body, whatever the task says.
            early=not task.acks_late and self._pool != "solo",
        )
        process_task = (os.getpid(), name)
        first = process_task not in self._ran
        if first:
            self._ran.add(process_task)
            stacks.answer(self._config.spool)
        attempt.unattributed_before = queries.unattributed
        request.celery_perf_scope = context.enter(attempt)
        self._journal.write(wire.Started(time.monotonic_ns(), task_id, attempt.retries, attempt.received_ns, first))
        if attempt.orders:
            attempt.strike("started")
        if self._count_cpu:
            attempt.cpu_started_ns = time.thread_time_ns()

    def on_postrun(self, task: Any = None, state: str | None = None, retval: Any = None, **_: Any) -> None:
        """An execution ended."""
        attempt = context.current()
        scope = task.request.__dict__.pop("celery_perf_scope", None)
        if attempt is None or scope is None:
            return
        cpu_ns = None if attempt.cpu_started_ns is None else time.thread_time_ns() - attempt.cpu_started_ns
        context.leave(scope)
        outcome = outcome_of(state)
        countdown = error = None
        if isinstance(retval, BaseException) and outcome != "succeeded":
            cause = getattr(retval, "exc", None) if outcome == "retried" else retval
            error = describe_error(cause if isinstance(cause, BaseException) else retval, is_user_file)
            countdown = _countdown(retval) if outcome == "retried" else None
        capture = attempt.capture
        journal = self._journal
        journal.write(
            wire.Finished(
                time.monotonic_ns(),
                attempt.task_id,
                attempt.retries,
                attempt.received_ns,
                outcome,
                attempt.body_started_ns,
                attempt.body_ended_ns,
                cpu_ns,
                countdown,
                error,
                None if capture is None else capture.summary(journal.statement, journal.stack),
                0 if capture is None else capture.connects,
                0 if capture is None else capture.connect_ns,
                queries.unattributed - attempt.unattributed_before,
                attempt.injected,
            )
        )
        journal.ring()
        if attempt.orders:
            attempt.strike("finished")


def _definition(task: Any) -> tuple[str, int, str] | None:
    function = inspect.unwrap(getattr(task, "_orig_run", task.run))
    code = getattr(function, "__code__", None)
    return None if code is None else (code.co_filename, code.co_firstlineno, code.co_name)


def _countdown(retry: Any) -> float | None:
    """Return the seconds that a task asked to wait, from Celery's ``Retry`` exception."""
    when = retry.when
    if when is None or isinstance(when, (int, float)):
        return None if when is None else float(when)
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return float(max(0.0, (when - datetime.now(UTC)).total_seconds()))


_installed: Probe | None = None


def install(config: ProbeConfig) -> None:
    """Install the probe in this process, once.

    Args:
        config: What the runner says.
    """
    global _installed
    if _installed is None:
        _installed = Probe(config)
        _installed.install()
