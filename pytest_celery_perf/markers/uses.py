"""The markers that bound what tasks do with caches, loggers and others on the network."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.arguments import above_zero, flag, items, natural, one_of, sequence, task_name, text
from pytest_celery_perf.model.units import parse_share
from pytest_celery_perf.model.uses import CacheBudget, LogsBudget, OutboundBudget


def celery_cache(
    *,
    task: Any = None,
    alias: str | None = None,
    hit_ratio: str | float | None = None,
    max_misses: int | None = None,
    ttl_required: bool = False,
    warmup: int = 0,
) -> CacheBudget:
    """Bound what the task asks of Django's caches in vain, or require that every key it writes has a TTL.

    The hit ratio is that of all keys asked for by all executions; ``max_misses`` is of each execution. ``alias`` names
    one cache; without it all count together.
    """
    if not (flag(ttl_required, "ttl_required") or hit_ratio is not None or max_misses is not None):
        raise ConfigurationError(
            'nothing to judge: give hit_ratio=, max_misses= or ttl_required=True, such as hit_ratio="60%"'
        )
    ratio = None if hit_ratio is None else above_zero(hit_ratio, parse_share(hit_ratio, "hit_ratio"), "hit_ratio")
    return CacheBudget(
        task=task_name(task),
        alias=None if alias is None else _alias(alias),
        hit_ratio=ratio,
        max_misses=None if max_misses is None else natural(max_misses, "max_misses", 0),
        ttl_required=ttl_required,
        warmup=natural(warmup, "warmup", 0),
    )


def celery_logs(
    *,
    task: Any = None,
    max: int | None = None,
    levels: Mapping[str, int] | None = None,
    repeated: int | None = None,
) -> LogsBudget:
    """Bound the log records of each execution: all, those of a level, or those with the same text from the same line.

    Counted is what the loggers let through, so that the worker's ``--loglevel`` decides whether INFO is.
    """
    if max is None and not levels and repeated is None:
        raise ConfigurationError('nothing to judge: give max=, levels= or repeated=, such as levels={"ERROR": 0}')
    # No record has the level NOTSET.
    known = {name: level for name, level in logging.getLevelNamesMapping().items() if level != logging.NOTSET}
    return LogsBudget(
        task=task_name(task),
        max=None if max is None else natural(max, "max", 0),
        levels=tuple(
            (known[one_of(level.upper(), "levels: key", *known)], natural(most, f"levels[{level!r}]", 0))
            for level, most in items(levels, "levels")
        ),
        repeated=None if repeated is None else natural(repeated, "repeated", 1),
    )


def celery_outbound(
    *,
    task: Any = None,
    max: int | None = None,
    exact: int | None = None,
    hosts: Iterable[str] | None = None,
) -> OutboundBudget:
    """Bound the calls to others of each execution, or name the hosts that it may call.

    To each host and port that are its connections or, if they are more, its HTTP requests. The broker, databases and
    caches are no others. A host is a pattern such as ``"*.example.com"`` or ``"api.example.com:443"``.
    """
    if max is None and exact is None and hosts is None:
        raise ConfigurationError('nothing to judge: give max=, exact= or hosts=, such as hosts=["api.example.com"]')
    if max is not None and exact is not None:
        raise ConfigurationError(f"max={max!r} beside exact={exact!r}, which says more: give one of them")
    return OutboundBudget(
        task=task_name(task),
        max=None if max is None else natural(max, "max", 0),
        exact=None if exact is None else natural(exact, "exact", 0),
        hosts=None if hosts is None else tuple(_host(host) for host in sequence(hosts, "hosts", "host names")),
    )


def _alias(alias: Any) -> str:
    if not text(alias, "alias"):
        raise ConfigurationError(f'alias={alias!r} is no cache: give its name in CACHES, such as "default"')
    return str(alias)


def _host(host: Any) -> str:
    """Check the pattern of a host; of a socket in the file system it is that of its path."""
    if not text(host, "hosts") or ("/" in host and not host.startswith(("/", "*"))):
        raise ConfigurationError(f'hosts: {host!r} is no host, such as "api.example.com" or "api.example.com:443"')
    return str(host)


USES = (celery_cache, celery_logs, celery_outbound)
