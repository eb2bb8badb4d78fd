"""Points a Celery app at the test's broker, in a worker and in the test process alike."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_celery_perf.probe.config import ProbeConfig

BACKENDS_OF_THE_TESTS = ("django-db", "django-cache", "cache+memory", "disabled")
"""Schemes of the result backends that an app keeps: Django's test database and cache, a process's memory, nothing.

All others hold what is not the tests': a server, but a database or a folder, too.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A setting of the app that the test run replaces."""

    name: str
    was: Any
    now: Any


def overrides_for(conf: Any, config: ProbeConfig) -> list[Override]:
    """List what must change in an app's configuration.

    Args:
        conf: The ``conf`` of a Celery app.
        config: Where the test's broker is.

    Returns:
        The settings that differ from what the app says now, by their new-style names.
    """
    wanted: dict[str, Any] = {"task_always_eager": False, "task_store_eager_result": False}
    if config.broker_url is not None:
        options = {**(conf.get("broker_transport_options") or {}), **config.transport_options}
        wanted |= {
            "broker_url": config.broker_url,
            "broker_read_url": config.broker_url,
            "broker_write_url": config.broker_write_url or config.broker_url,
            "broker_transport": None,
            "broker_use_ssl": False,
            "broker_user": None,
            "broker_password": None,
            "broker_transport_options": options,
        }
    if config.result_backend is not None and has_foreign_results(conf):
        wanted |= {
            "result_backend": config.result_backend,
            "redis_backend_use_ssl": False,
            "result_backend_transport_options": {
                **(conf.get("result_backend_transport_options") or {}),
                **config.transport_options,
            },
        }
    if conf.get("worker_pool_start_method") not in (None, "fork"):
        wanted["worker_pool_start_method"] = "fork"  # a spawned child would have no probe
    wanted |= {_new_name(conf, name): value for name, value in config.config.items()}
    changed = ((name, now) for name, now in wanted.items() if conf.get(name) != now)
    # An attribute, unlike a key, tells what an environment variable says, too.
    return [Override(name=name, was=getattr(conf, name, None), now=now) for name, now in changed]


def _new_name(conf: Any, name: str) -> str:
    """Return the new-style name of a setting that may have its old one, or that which Django's settings have.

    Source:
        ``celery.app.utils.Settings``: an app has either old names or new ones, and only those change anything.
    """
    from celery.app.defaults import _TO_NEW_KEY, SETTING_KEYS  # type: ignore[attr-defined]

    plain = name.removeprefix(getattr(conf, "prefix", None) or "").lower()
    return plain if name not in SETTING_KEYS and plain in SETTING_KEYS else str(_TO_NEW_KEY.get(name, name))


def spellings(conf: Any, name: str) -> tuple[str, ...]:
    """Return the keys under which an app looks for a setting before all others.

    Under a namespace, such as Django's ``CELERY``, a key with the prefix wins over one without; in Celery 5.5
    this holds for what is set on the app itself, too.

    Source:
        ``celery.utils.collections.ConfigurationView.__getitem__``.
    """
    keys: tuple[str, ...] = conf._to_keys(name) if hasattr(conf, "_to_keys") else (name,)
    return keys


def has_foreign_results(conf: Any) -> bool:
    """Tell whether an app keeps its results where what is not the tests' is kept."""
    backend = conf.result_backend
    return isinstance(backend, str) and bool(backend) and backend.split(":", 1)[0] not in BACKENDS_OF_THE_TESTS


def set_environment(config: ProbeConfig, foreign_results: bool) -> dict[str, str | None]:
    """Replace the environment variables that Celery prefers to its settings.

    Args:
        config: Where the test's broker is.
        foreign_results: What `has_foreign_results` says of the app.

    Returns:
        What these variables held before, for `restore_environment`.

    Source:
        ``celery.app.utils.Settings``: the variables win over every setting.
    """
    wanted: dict[str, str | None] = {}
    if config.broker_url is not None:
        wanted |= dict.fromkeys(("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL"), config.broker_url)
        wanted["CELERY_BROKER_WRITE_URL"] = config.broker_write_url or config.broker_url
    if config.result_backend is not None and foreign_results:
        # What a test says of its worker goes before, here as in the settings.
        wanted["CELERY_RESULT_BACKEND"] = config.config.get("result_backend", config.result_backend)
    before = {name: os.environ.get(name) for name in wanted}
    restore_environment(wanted)
    return before


def restore_environment(variables: dict[str, str | None]) -> None:
    """Set environment variables; None removes one."""
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def apply(app: Any, config: ProbeConfig) -> list[Override]:
    """Change a worker's app for good; the test process restores its own.

    Returns:
        What was changed.
    """
    overrides = overrides_for(app.conf, config)
    set_environment(config, has_foreign_results(app.conf))
    for override in overrides:
        app.conf.changes.update(dict.fromkeys(spellings(app.conf, override.name), override.now))
    return overrides
