"""Processes of ours beside pytest that use the standard library only, and must be up in a few milliseconds."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def command(module: str, *arguments: str) -> list[str]:
    """Return how such a process is started, in ``/`` and with `environment`.

    The same import path, but no site-packages processing, and a safe path and a working directory at the root, lest it
    hold on to a directory or import from one.

    Args:
        module: What it runs.
        arguments: Of its command line.
    """
    return [sys.executable, "-S", "-P", "-m", module, *arguments]


def environment() -> dict[str, str]:
    """Return its variables."""
    variables = {k: v for k, v in os.environ.items() if k not in {"PYTHONSTARTUP", "PYTHONINSPECT"}}
    variables["PYTHONPATH"] = os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path)
    return variables
