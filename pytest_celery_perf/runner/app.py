"""The user's Celery app in the test process: pointed at the test's broker, and given back."""

# ruff: noqa: SLF001 - Celery has no public way to exchange an app's connections.

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.probe.overrides import (
    Override,
    has_result_server,
    overrides_for,
    restore_environment,
    set_environment,
)

_ABSENT = object()


def load(path: str) -> Any:
    """Import the Celery app.

    Args:
        path: As ``celery -A`` takes it.

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
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"celery_perf_app={path!r} is no Celery app: {error}") from error
    app.loader.import_default_modules()
    app.finalize()
    return app


@dataclass(slots=True)
class _Saved:
    app: Any
    changes: dict[str, Any]
    pools: tuple[Any, Any]
    backend: Any = field(default=_ABSENT)


@contextmanager
def on_broker(config: ProbeConfig) -> Iterator[tuple[Override, ...]]:
    """Have every Celery app of this process publish to the test's broker, for a while.

    Args:
        config: Where the test's broker is.

    Yields:
        What had to be changed in the apps' settings.

    A project may have several apps, and the one that publishes need not be the one whose
    workers run; so all are changed, and all are restored.
    """
    from celery import _state

    state: Any = _state
    apps = list(state._get_active_apps())
    has_backend = any(has_result_server(app.conf) for app in apps)
    overrides = {app: overrides_for(app.conf, config) for app in apps}
    environment = set_environment(config, has_backend)
    saved = [_replace(app, changed) for app, changed in overrides.items()]
    try:
        yield tuple({override.name: override for changed in overrides.values() for override in changed}.values())
    finally:
        for each in saved:
            _restore(each)
        restore_environment(environment)


def _replace(app: Any, overrides: list[Override]) -> _Saved:
    changes = app.conf.changes
    saved = _Saved(
        app=app,
        changes={override.name: changes.get(override.name, _ABSENT) for override in overrides},
        pools=(app._pool, app.amqp._producer_pool),
        backend=getattr(app._local, "backend", _ABSENT),
    )
    app.conf.update({override.name: override.now for override in overrides})
    _use(app, (None, None), _ABSENT)
    return saved


def _restore(saved: _Saved) -> None:
    for name, value in saved.changes.items():
        if value is _ABSENT:
            saved.app.conf.changes.pop(name, None)
        else:
            saved.app.conf.changes[name] = value
    _use(saved.app, saved.pools, saved.backend)


def _use(app: Any, pools: tuple[Any, Any], backend: Any) -> None:
    """Give an app its connection pools and its result backend.

    Our own are not closed when they are taken away: kombu keeps them by URL for the next test.

    Source:
        ``celery.app.base.Celery.pool``, ``.backend`` and ``celery.app.amqp.AMQP.producer_pool``.
    """
    app._pool, app.amqp._producer_pool = pools
    app._backend_cache = None
    if backend is _ABSENT:
        app._local.__dict__.pop("backend", None)
    else:
        app._local.backend = backend
