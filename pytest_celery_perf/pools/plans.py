"""Reads which pools to try."""

from __future__ import annotations

import re

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.pools import POOLS, PoolPlan

DEFAULT = "prefork:8,gevent:200,threads:32,solo"


def plans_of(text: object, what: str) -> tuple[PoolPlan, ...]:
    """Read pools such as ``prefork:8,gevent:200,solo``.

    Args:
        text: What was given.
        what: The option or argument that it was given for.

    Raises:
        ConfigurationError: It names no pools, or not so.
    """
    plans = tuple(_plan(part.strip(), what) for part in str(text).split(",") if part.strip())
    if not plans or len({*plans}) < len(plans):
        raise ConfigurationError(f"{what}={text!r} is no list of different pools, such as {DEFAULT!r}")
    return plans


def _plan(text: str, what: str) -> PoolPlan:
    match = re.fullmatch(r"(\w+)(?::([1-9][0-9]*))?", text)
    if match is None or match[1] not in POOLS or (match[2] is None) != (match[1] == "solo"):
        raise ConfigurationError(
            f"{what}: {text!r} is neither solo nor prefork, threads or gevent with a concurrency, such as gevent:200"
        )
    return PoolPlan(pool=match[1], concurrency=int(match[2] or 1))
