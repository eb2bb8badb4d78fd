"""What Celery settings a worker may be given: those that somebody reads, and how early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_celery_perf.model.arguments import did_you_mean

if TYPE_CHECKING:
    from celery import Celery

_UNLISTED = frozenset({
    *("CELERY_DB_REUSE_MAX", "dynamodb_endpoint_url", "gcs_threadpool_maxsize", "override_backends"),
    *("redis_backend_credential_provider", "redis_backend_health_check_interval", "redis_client_name"),
    "result_backend_thread_safe",
})  # fmt: skip
"""Settings that Celery reads, but does not list.

Source:
    ``celery.fixups.django.DjangoWorkerFixup.__init__``, ``celery.backends``.
"""

_NUMBER = ((int, float), "a number")
_TAKES: dict[object, tuple[tuple[type, ...], str]] = {
    **dict.fromkeys(("int", "float", int, float), _NUMBER),
    "bool": ((int,), "true or false"),
}
"""By the type that Celery lists: what fits, and what to call it."""


def unknown(name: str, app: Celery | None = None) -> str:
    """Tell that nobody reads a setting, which would change nothing.

    Args:
        name: The setting.
        app: May read keys of its own, which its configuration then has; None if it is not loaded.

    Returns:
        The sentence to put into an error; empty if there is such a setting, by its new or its old name.
    """
    from celery.app.defaults import _OLD_SETTING_KEYS, SETTING_KEYS  # type: ignore[attr-defined]

    if name in SETTING_KEYS or name in _OLD_SETTING_KEYS or name in _UNLISTED:
        return ""
    # Source: celery.utils.collections.ConfigurationView._to_keys, of names as Django's settings have them.
    prefix = (app and getattr(app.conf, "prefix", None)) or ""
    prefixed = {f"{prefix}{key.upper()}" for key in SETTING_KEYS} if prefix and name.startswith(prefix) else set()
    if app is not None and (name in app.conf or name in prefixed):
        return ""
    hint = did_you_mean(name, prefixed or (_OLD_SETTING_KEYS if name.isupper() else SETTING_KEYS))
    own = "" if app is None else ", nor has the app's configuration"
    return f"Celery has no setting {name!r}{own}{hint}"


def unfit(name: str, value: object) -> str:
    """Tell that a setting cannot be what it shall be, by the type that Celery lists for it.

    Only of numbers, and of what is true or false: of others Celery takes more than it lists, such as a list for
    ``task_queues``, a dict. Those of an app's own are taken as they are; None is a value of any.

    Args:
        name: The setting, by its new or its old name.
        value: As JSON has it.

    Returns:
        The sentence to put into an error; empty if it fits.

    Source:
        ``celery.app.defaults.NAMESPACES``.
    """
    from celery.app.defaults import _TO_NEW_KEY, NAMESPACES, flatten  # type: ignore[attr-defined]

    listed = dict(flatten(NAMESPACES)).get(_TO_NEW_KEY.get(name, name))
    kind = getattr(listed, "type", None)
    if value is None or kind not in _TAKES:
        return ""
    types, wanted = _TAKES[kind]
    fits = isinstance(value, types) and (kind == "bool" or not isinstance(value, bool))
    return "" if fits else f"{name} takes {wanted}, not {value!r}"


def read_early(name: str) -> bool:
    """Tell whether a setting is read while the app's modules are imported and its tasks made, or may be.

    A worker that is forked after that cannot be given it.

    Source:
        ``celery.app.task.Task.bind``, ``celery.loaders.base.BaseLoader.default_modules``; an app reads its own keys
        whenever it likes.
    """
    from celery.app.defaults import SETTING_KEYS
    from celery.app.task import Task

    early = {"imports", "include", "task_annotations", *(setting for _, setting in Task.from_config)}
    return name in early or name not in SETTING_KEYS
