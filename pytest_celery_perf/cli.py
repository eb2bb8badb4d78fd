"""The command ``celery-perf``: what helps with Celery outside of a test suite."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NoReturn

from pytest_celery_perf.commands import calibrate, compare, history, pools, show
from pytest_celery_perf.commands.terminal import FAILED, NAME, WRONG, tell
from pytest_celery_perf.errors import CeleryPerfError, ConfigurationError

DISTRIBUTION = "pytest-celery-perf"
COMMANDS = (pools, compare, show, history, calibrate)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Those of the command line; None for the process's own.

    Returns:
        The exit status.
    """
    given = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, _ended)
    sys.path.insert(0, str(Path.cwd()))  # where the app is, as for `celery -A`
    try:
        status = int(given.run(given))
        sys.stdout.flush()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # whoever reads has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # lest Python complain of it at its end
        return 128 + signal.SIGPIPE
    except CeleryPerfError as error:
        tell(f"error: {error}")
        return WRONG if isinstance(error, ConfigurationError) else FAILED
    return status


def _ended(number: int, _: object) -> NoReturn:
    """End in the way in which everything is removed."""
    sys.exit(128 + number)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=NAME, description="Performance of Celery tasks on real workers.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {version(DISTRIBUTION)}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
