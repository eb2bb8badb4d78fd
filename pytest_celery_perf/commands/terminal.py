"""What the commands have in common: how they end, how they tell, and how they read a report."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_celery_perf.report.json import Report

NAME = "celery-perf"
FAILED, WRONG = 1, 2
"""The statuses of a command that could not do its work or found a failure, and of one that was given wrongly."""


def tell(text: str) -> None:
    """Tell the user something beside the result."""
    print(f"{NAME}: {text}", file=sys.stderr, flush=True)  # noqa: T201


def print_text(make: Callable[..., str], found: object) -> None:
    """Print a result.

    Args:
        make: Makes the text: takes the result, ``width`` in columns and ``unicode``.
        found: The result.
    """
    print(make(found, width=width(), unicode=unicode()) + "\n", flush=True)  # noqa: T201


def width() -> int:
    """Return how many columns there are."""
    return shutil.get_terminal_size((100, 24)).columns


def unicode() -> bool:
    """Tell whether the reader can see more than ASCII."""
    from pytest_celery_perf.report.glyphs import supports_unicode

    return supports_unicode(sys.stdout.encoding)


def read_report(path: Path, what: str) -> Report:
    """Read a report file.

    Args:
        path: What ``--celery-perf-json`` has written.
        what: The argument that names it.

    Raises:
        ConfigurationError: It is none.
    """
    from pytest_celery_perf.report.json import load

    try:
        return load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(f"{what}={path} is no report of --celery-perf-json: {error}") from None
