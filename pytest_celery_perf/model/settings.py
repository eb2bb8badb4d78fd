"""The settings of a test run, as the reports show them."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PASSWORD = re.compile(r"(?<=://)([^\s:@/]*):[^\s/]+@")
_PASSWORD_ARGUMENT = re.compile(r"(?<=password=)[^\s&;,]+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting with the place that it came from."""

    name: str
    """Without the prefix of its place: ``broker``, not ``celery_perf_broker``."""
    value: str
    """As the user would write it; empty where nothing is set. May have several lines."""
    source: str
    """``command line``, ``environment``, ``ini`` or ``default``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A setting of the app under test that the test run had to replace."""

    name: str
    """As Celery calls it, such as ``task_always_eager``."""
    was: str
    """What the app had."""


def masked(text: str) -> str:
    """Hide the passwords of the URLs in a text: headers and reports end up in public logs."""
    return _PASSWORD_ARGUMENT.sub("***", _PASSWORD.sub(r"\1:***@", text))
