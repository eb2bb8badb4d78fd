"""What the texts mean that settings are given as.

Each function takes the text, and the setting with its source, and returns the value or raises a `ConfigurationError`
that names the setting, the text and what is valid.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_celery_perf.model.formats import ReportFile


def one_of(*valid: str) -> Callable[[str, str], str]:
    """Take one of some words."""

    def parse(value: str, what: str) -> str:
        if value not in valid:
            raise ConfigurationError(f"{what}: {value!r} is not one of {', '.join(valid)}")
        return value

    return parse


def check_variables(environment: Iterable[str], known: Sequence[str]) -> None:
    """Refuse the name of an environment variable that is spelt much as one of ours.

    Others that begin as ours do are left alone: some are between our processes, some may be a project's own.

    Args:
        environment: The names of the variables.
        known: Those of the settings.

    Raises:
        ConfigurationError: There is one. What it holds is not told, as it may be a URL with a password.
    """
    import difflib

    beginning = "CELERY_PERF_"  # what all have in common would make each of them alike
    ends = [name.removeprefix(beginning) for name in known]
    for name in environment:
        if name.startswith(beginning) and name not in known:
            near = difflib.get_close_matches(name.removeprefix(beginning), ends, n=1, cutoff=0.7)
            if near:
                raise ConfigurationError(
                    f"there is no setting for the environment variable {name}; did you mean {beginning}{near[0]}?"
                )


def broker(value: str, what: str) -> str:
    """Take a kind of broker, or the URL of one."""
    if value in ("auto", "process", "container") or value.startswith(("redis://", "rediss://")):
        return value
    raise ConfigurationError(f"{what}: {value!r} is not auto, process, container or a redis:// URL")


def workers(value: str, what: str) -> tuple[str, ...]:
    """Read the lines of a topology."""
    lines = tuple(line for line in value.splitlines() if line.strip())
    if not lines:
        raise ConfigurationError(f'{what}: {value!r} names no worker; expected lines such as "default: -c 2"')
    return lines


def patience_s(value: str, what: str) -> float:
    """Read for how many seconds something is waited for."""
    from pytest_celery_perf.model.units import parse_duration_s

    if (seconds := parse_duration_s(value, what)) == 0:
        raise ConfigurationError(f"{what}: {value!r} leaves the tasks no time: give more than zero")
    return seconds


def drills(value: str, what: str) -> tuple[str, ...]:
    """Read names of drills."""
    from pytest_celery_perf.model.drills import DRILLS

    names = [name.strip() for name in value.split(",") if name.strip()]
    return tuple(dict.fromkeys(one_of(*DRILLS)(name, what) for name in names))


def instruments(value: str, what: str) -> tuple[str, ...]:
    """Read names of instruments and gauges; ``all`` leaves out those that disturb what the others measure."""
    from pytest_celery_perf.model.samples import GAUGES
    from pytest_celery_perf.probe.instruments import INSTRUMENTS, OBTRUSIVE

    valid = (*INSTRUMENTS, *GAUGES)
    names = [one_of("all", *valid)(name.strip(), what) for name in value.split(",") if name.strip()]
    every = [each for each in valid if each not in OBTRUSIVE] if "all" in names else []
    return tuple(dict.fromkeys([*every, *(name for name in names if name != "all")]))


def config(value: str, what: str) -> tuple[tuple[str, str], ...]:
    """Read settings such as ``worker_prefetch_multiplier=1``: what is no JSON is a text."""
    found = {}
    for line in value.splitlines():
        name, equals, text = (part.strip() for part in line.partition("="))
        if not equals or not name.isidentifier():
            raise ConfigurationError(f"{what}: {line!r} is not KEY=VALUE, such as worker_prefetch_multiplier=1")
        try:
            found[name] = json.dumps(json.loads(text))
        except ValueError:
            found[name] = json.dumps(text)
    return tuple(found.items())


def outputs(value: str, what: str) -> tuple[ReportFile, ...]:
    """Read report files, a line each."""
    from pytest_celery_perf.model.formats import report_file

    return tuple(report_file(line.strip(), what) for line in value.splitlines() if line.strip())


def factor(value: str, what: str) -> float:
    """Read a number above 0 and at most 1."""
    try:
        number = float(value)
    except ValueError:
        number = 0.0
    if not 0 < number <= 1:
        raise ConfigurationError(f"{what}: {value!r} is not a number above 0 and at most 1")
    return number
