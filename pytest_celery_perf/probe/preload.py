"""Imports an app once for all workers, and judges whether the result may be forked."""

from __future__ import annotations

import importlib
import os
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import django_glue, sqlalchemy_pools
from pytest_celery_perf.probe.launch import keep_for_good, load_app, put_off_collections, worker_command

if TYPE_CHECKING:
    from celery import Celery


_OF_EVERY_WORKER = (
    "billiard.popen_fork",
    "billiard.sharedctypes",
    "celery.app.amqp",
    "celery.app.control",
    "celery.app.events",
    "celery.app.log",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "celery.concurrency.solo",
    "celery.concurrency.thread",
    "celery.events.receiver",
    "celery.worker.autoscale",
    "celery.worker.consumer",
    "celery.worker.strategy",
    "kombu.pidbox",
    "kombu.transport.redis",
    "pytest_celery_perf.probe.lifecycle",
)


def preload(name: str) -> Celery:
    """Import whatever every worker of the app imports, opening nothing.

    Raises:
        Exception: Whatever the app raises; a cold start shows it in full.
    """
    put_off_collections()
    sqlalchemy_pools.watch()
    app = load_app(name)
    with django_glue.without_checks():
        app.loader.import_default_modules()
    app.finalize()
    worker_command()
    for module in _OF_EVERY_WORKER:
        importlib.import_module(module)
    keep_for_good()
    return app


def why_unsound(app: Celery, control: int) -> str | None:
    """Tell why a process that has imported an app must not be forked into workers.

    Args:
        app: The app.
        control: The only descriptor of a socket that may be open.

    Returns:
        The reason, or None if it may.
    """
    for check in (_patched, _threads, lambda: _sockets(control), _databases):
        reason = check()
        if reason is not None:
            return reason
    if app.conf.worker_pool in {"gevent", "eventlet"}:
        return f"the app's worker_pool is {app.conf.worker_pool}, whose patches precede every import"
    return None


def _patched() -> str | None:
    for module in ("gevent.monkey", "eventlet.patcher"):
        monkey = sys.modules.get(module)
        if monkey is not None and (getattr(monkey, "saved", None) or getattr(monkey, "already_patched", None)):
            return f"importing the app patched the standard library ({module})"
    return None


def _threads() -> str | None:
    names = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if not names:  # perhaps some that Python does not know
        names = [_thread_name(thread) for thread in os.listdir("/proc/self/task") if int(thread) != os.getpid()]
    return f"importing the app started a thread ({names[0]})" if names else None


def _thread_name(thread: str) -> str:
    with open(f"/proc/self/task/{thread}/comm") as file:
        return file.read().strip()


def _sockets(control: int) -> str | None:
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        try:
            is_socket = os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
        except FileNotFoundError:  # the listing's own
            continue
        if is_socket and descriptor != control:
            return f"importing the app opened a socket{_peer(descriptor)}"
    return None


def _peer(descriptor: int) -> str:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as copy:
            return f" to {copy.getpeername()}"
    except OSError:
        return ""


def _databases() -> str | None:
    if drivers := sqlalchemy_pools.open_drivers():
        return f"importing the app connected to a database by SQLAlchemy ({', '.join(drivers)})"
    if "django.db" not in sys.modules:
        return None
    connections: Any = sys.modules["django.db"].connections
    for connection in connections.all(initialized_only=True):
        if connection.connection is not None:
            return f"importing the app connected to the database {connection.alias!r}"
    return None
