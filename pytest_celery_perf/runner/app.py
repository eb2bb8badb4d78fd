"""The user's Celery app in the test process: pointed at the test's broker, and given back."""

# ruff: noqa: SLF001 - Celery has no public way to exchange an app's connections.

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.probe.callsite import is_user_file
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.probe.django_glue import without_checks
from pytest_celery_perf.probe.overrides import (
    Override,
    has_foreign_results,
    overrides_for,
    restore_environment,
    set_environment,
    spellings,
)

_ABSENT = object()


def load(path: str, what: str = "celery_perf_app") -> Any:
    """Import the Celery app.

    Args:
        path: As ``celery -A`` takes it.
        what: The setting or option that it was given for.

    Returns:
        The app, finalized.

    Raises:
        ConfigurationError: There is none; the text says what was tried.
    """
    if not path:
        raise ConfigurationError(
            "celery_perf_app is not set: name your Celery app as `celery -A` takes it, "
            'such as celery_perf_app = "config.celery:app" in the ini file'
        )
    from celery.app.utils import find_app

    try:
        app = find_app(path)
        if _is_app(app):
            with without_checks():
                app.loader.import_default_modules()
            app.finalize()
    except Exception as error:  # the user's code: anything may come out of it
        if missing := _missing_attribute(path):
            raise ConfigurationError(f"{what}={path!r} cannot be loaded: {missing}") from error
        raise ConfigurationError(
            f"{what}={path!r} cannot be loaded: {type(error).__name__}: {str(error).strip()}{_place_of(error)}"
        ) from error
    if not _is_app(app):
        raise ConfigurationError(f"{what}={path!r} is no Celery app, but {app!r}{_apps_in(path.partition(':')[0])}")
    return app


def _missing_attribute(path: str) -> str:
    """Say what a module lacks, if that is all that is wrong; Celery then says that there is no such module."""
    module, colon, name = path.partition(":")
    found = sys.modules.get(module)
    if not (colon and name) or found is None or hasattr(found, name.partition(".")[0]):
        return ""
    return f"the module {module} has no {name!r}{_apps_in(module) or ', nor any Celery app'}"


def _is_app(value: Any) -> bool:
    from celery import Celery

    return isinstance(value, Celery)


def _apps_in(module: str) -> str:
    """Return the end of an error about an app that is none: which apps its module has, if there are any."""
    found = sys.modules.get(module)
    apps = [f"{module}:{each}" for each, value in (vars(found).items() if found else ()) if _is_app(value)]
    return f"; its Celery apps: {', '.join(apps)}" if apps else ""


def _place_of(error: Exception) -> str:
    """Print the innermost line of the user's code in an error's traceback."""
    frames = [each for each in traceback.extract_tb(error.__traceback__)[1:] if is_user_file(each.filename)]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


@dataclass(slots=True)
class Connections:
    """An app's connections to one broker and to one result backend; made by the app when it needs them.

    Source:
        ``celery.app.base.Celery.pool``, ``.backend`` and ``celery.app.amqp.AMQP.producer_pool``.
    """

    pool: Any = None
    producer_pool: Any = None
    backend: Any = _ABSENT

    @classmethod
    def of(cls, app: Any) -> Connections:
        """Return those that an app has now."""
        return cls(app._pool, app.amqp._producer_pool, getattr(app._local, "backend", _ABSENT))

    def give(self, app: Any) -> None:
        """Have an app use these from now on."""
        app._pool, app.amqp._producer_pool = self.pool, self.producer_pool
        app._backend_cache = None
        if self.backend is _ABSENT:
            app._local.__dict__.pop("backend", None)
        else:
            app._local.backend = self.backend

    def close(self) -> None:
        """Close them."""
        for pool in (self.producer_pool, self.pool):
            if pool is not None:
                # The connections only: kombu keeps the pool itself by its URL, which another set of workers may get.
                pool.resize(pool.limit, reset=True)
        client = getattr(self.backend, "client", None)
        if client is not None:
            _deafen(self.backend)
            client.connection_pool.disconnect()


def _deafen(backend: Any) -> None:
    """End a result backend's subscription for good.

    A result that is collected as garbage later unsubscribes, and would connect again to do so.

    Source:
        ``celery.result.AsyncResult.__del__``, ``celery.backends.redis.ResultConsumer.cancel_for``.
    """
    consumer = getattr(backend, "result_consumer", None)
    if consumer is not None:
        consumer.stop()
        consumer._pubsub = None


class Clients:
    """The apps' connections to one broker, kept between the tests that use it: making them takes longer than a task."""

    def __init__(self) -> None:
        self._of: dict[Any, Connections] = {}

    def take(self, app: Any) -> Connections:
        """Return an app's connections, none yet on its first use."""
        return self._of.pop(app, None) or Connections()

    def keep(self, app: Any, connections: Connections) -> None:
        """Take an app's connections back."""
        self._of[app] = connections

    def close(self) -> None:
        """Close all of them."""
        while self._of:
            self._of.popitem()[1].close()


@dataclass(slots=True)
class _Saved:
    app: Any
    changes: dict[str, Any]
    connections: Connections


@contextmanager
def on_broker(config: ProbeConfig, clients: Clients) -> Iterator[tuple[Override, ...]]:
    """Have every Celery app of this process publish to the test's broker, for a while.

    Args:
        config: Where the test's broker is.
        clients: Connections to it.

    Yields:
        What had to be changed in the apps' settings.

    A project may have several apps, and the one that publishes need not be the one whose
    workers run; so all are changed, and all are restored.
    """
    from celery import _state

    state: Any = _state
    apps = list(state._get_active_apps())
    foreign_results = any(has_foreign_results(app.conf) for app in apps)
    overrides = {app: overrides_for(app.conf, config) for app in apps}
    environment = set_environment(config, foreign_results)
    saved = [_replace(app, changed, clients.take(app)) for app, changed in overrides.items()]
    try:
        yield tuple({override.name: override for changed in overrides.values() for override in changed}.values())
    finally:
        for each in saved:
            clients.keep(each.app, Connections.of(each.app))
            _restore(each)
        restore_environment(environment)


def _replace(app: Any, overrides: list[Override], connections: Connections) -> _Saved:
    changes = app.conf.changes
    now = {key: override.now for override in overrides for key in spellings(app.conf, override.name)}
    saved = _Saved(
        app=app,
        changes={key: changes.get(key, _ABSENT) for key in now},
        connections=Connections.of(app),
    )
    changes.update(now)
    connections.give(app)
    return saved


def _restore(saved: _Saved) -> None:
    for name, value in saved.changes.items():
        if value is _ABSENT:
            saved.app.conf.changes.pop(name, None)
        else:
            saved.app.conf.changes[name] = value
    saved.connections.give(saved.app)
