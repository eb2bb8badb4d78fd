"""The probe itself: put together, connected to a worker's signals, and told when the worker boots."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from pytest_celery_perf.probe import (
    acceptance,
    context,
    django_glue,
    django_queries,
    imports,
    overdue,
    overrides,
    sqlalchemy_queries,
    transport,
    visibility,
    wire,
)
from pytest_celery_perf.probe.attempt import with_body
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.probe.executions import ExecutionWatch
from pytest_celery_perf.probe.faults import Faults, directory_beside
from pytest_celery_perf.probe.journal import Journal
from pytest_celery_perf.probe.messages import MessageWatch
from pytest_celery_perf.probe.processes import keep_memory_in, memory_beside, run_on
from pytest_celery_perf.probe.publish import PublishTracker


class Probe:
    """The probe of one worker.

    Args:
        config: What the runner says.
    """

    def __init__(self, config: ProbeConfig) -> None:
        self._config = config
        self._journal = Journal(config.spool, config.doorbell, config.boot)
        self._faults = Faults(directory_beside(config.doorbell), self._journal)
        self.messages = MessageWatch(self._journal, self._faults)
        self.executions = ExecutionWatch(self._journal, self._faults, config.spool)
        self._publishes = PublishTracker(
            self._journal,
            self.executions.current_header,
            self.executions.current_id,
            self.executions.announce,
        )
        self._pool = ""

    def install(self) -> None:
        """Connect to everything. Called before the worker boots and before the app is loaded."""
        from celery import signals

        if problem := run_on(self._config.cores):
            self._journal.problem(problem)
        keep_memory_in(memory_beside(self._config.doorbell))
        django_glue.use_databases(self._config.databases)
        django_glue.close_databases(self._config.closed)
        self._publishes.connect()
        for signal, handler in (
            (signals.import_modules, self.on_import),
            (signals.celeryd_init, self.on_init),
            (signals.worker_init, self.on_worker_init),
            (signals.worker_process_init, self.on_process_init),
            (signals.worker_ready, self.on_ready),
            (signals.task_failure, self.messages.on_failure),
            (signals.task_revoked, self.messages.on_revoked),
            (signals.task_unknown, self.messages.on_unknown),
        ):
            signal.connect(self._safely(handler), weak=False)
        self.messages.watch_receipts()
        self.messages.watch_acknowledgments()
        self.messages.watch_breaks()
        acceptance.watch(self._journal, self._faults)
        overdue.watch(self.messages.on_failure)

    def _safely(self, handler: Callable[..., None]) -> Callable[..., None]:
        """Note what a handler raises: Celery would log it and go on, and a record would be missing without a word."""

        def guarded(**kwargs: Any) -> None:
            try:
                handler(**kwargs)
            except Exception as error:
                self._journal.problem(f"{handler.__name__}: {error!r}")

        return guarded

    def on_import(self, sender: Any = None, **_: Any) -> None:
        """Handle ``import_modules``: the app's modules are about to be imported, its tasks and fixups made.

        All of these read settings, and before ``celeryd_init``.
        """
        overrides.apply(sender, self._config)

    def on_init(self, instance: Any = None, **_: Any) -> None:
        """Handle ``celeryd_init``: the worker has its app, but has done nothing yet."""
        overrides.apply(instance.app, self._config)
        django_glue.use_caches(self._config.own_caches)

    def on_worker_init(self, sender: Any = None, **_: Any) -> None:
        """Handle ``worker_init``: all tasks are loaded; their tracers are not built yet."""
        self._pool = sender.pool_cls.__module__.rpartition(".")[2].replace("thread", "threads")
        context.configure(self._pool)
        if django_glue.is_configured():
            django_queries.install(self._journal.problem)
        imports.report_to(self._journal.problem)
        imports.once_imported("sqlalchemy", lambda: sqlalchemy_queries.install(self._journal.problem))
        self.executions.configure(self._pool)
        for task in sender.app.tasks.values():
            # Autoretry calls what it wrapped by this name: an injected error must be raised
            # inside of it, and what it publishes is not the body's.
            attribute = "_orig_run" if hasattr(task, "_orig_run") else "run"
            setattr(task, attribute, with_body(getattr(task, attribute), task.name))
        self.executions.watch_tracers()

    def on_process_init(self, **_: Any) -> None:
        """Handle ``worker_process_init``: a child was forked, at the worker's start or in the place of another."""
        self._journal.open()

    def on_ready(self, sender: Any = None, **_: Any) -> None:
        """Handle ``worker_ready``: the worker consumes."""
        from celery import __version__

        self._journal.write(
            wire.Ready(
                time.monotonic_ns(),
                sender.hostname,
                self._pool,
                self._concurrency(sender.controller),
                list(sender.app.amqp.queues.consume_from),
                list(sender.app.tasks),
                self._config.started,
                visibility.timeout_s(sender.app),
                visibility.restore_delay_s(sender.app),
                __version__,
                transport.priority_steps(sender.app),
            )
        )
        self._journal.ring()

    def _concurrency(self, controller: Any) -> int | None:
        """Return how many tasks the worker runs at once, at most: autoscale and the solo pool overrule the option."""
        if self._pool == "solo":
            return 1
        most = getattr(controller, "max_concurrency", None) or getattr(controller, "concurrency", None)
        return int(most) if most else None


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
