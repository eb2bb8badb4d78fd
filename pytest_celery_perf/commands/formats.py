"""The formats in which commands can write a report, instead of telling it to people."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_celery_perf.report.json import Report


def written(name: str) -> Callable[[Report], str]:
    """Return what writes a report.

    Args:
        name: A format of ``--celery-perf-output``.

    Raises:
        ConfigurationError: There is no such format.
    """
    from pytest_celery_perf.model.formats import FormatName
    from pytest_celery_perf.report.formats import FORMATS

    if name not in [*FormatName]:
        raise ConfigurationError(f"--format={name!r} is neither text nor one of {', '.join(FormatName)}")
    return FORMATS[FormatName(name)]
