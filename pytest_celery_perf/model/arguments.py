"""Checks of the arguments that people write; each names the argument, its value and what is valid.

Args, of all of them: `value` is what was given, `what` the argument that it was given for.
"""

from __future__ import annotations

import difflib
import json
import re
import signal
from collections.abc import Iterable, Mapping
from typing import Any

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.units import parse_duration_s

__tracebackhide__ = True
"""Who has given a wrong argument is shown the own line, not ours (pytest's documentation of ``__tracebackhide__``)."""


def did_you_mean(name: str, names: Iterable[str]) -> str:
    """Return the end of an error about a name that there is not: which of those that there are is spelt alike."""
    found = difflib.get_close_matches(name, sorted(names), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def natural(value: Any, what: str, least: int) -> int:
    """Return a whole number that is not less than `least`.

    Raises:
        ConfigurationError: It is none.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{what}={value!r} is not a whole number from {least}")
    return value


def above_zero(value: Any, figure: float, what: str) -> float:
    """Return what a least figure was parsed to, unless everything reaches it.

    Raises:
        ConfigurationError: It is zero.
    """
    if figure > 0:
        return figure
    raise ConfigurationError(f"{what}={value!r} demands nothing: give more than zero")


def span_s(value: Any, what: str) -> float:
    """Return the seconds of a duration in which something can happen.

    Raises:
        ConfigurationError: It is no duration, or zero.
    """
    if seconds := parse_duration_s(value, what):
        return seconds
    raise ConfigurationError(f"{what}={value!r} is over before anything can happen: give more than zero")


def flag(value: Any, what: str) -> bool:
    """Return True or False.

    Raises:
        ConfigurationError: It is neither, though Python may take it for one of them.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{what}={value!r} is not True or False")
    return value


def text(value: Any, what: str) -> str:
    """Return a text.

    Raises:
        ConfigurationError: It is none.
    """
    if not isinstance(value, str):
        raise ConfigurationError(f"{what}={value!r} is not a text")
    return value


def one_of(value: Any, what: str, *valid: str) -> str:
    """Return one of some words.

    Raises:
        ConfigurationError: It is another.
    """
    if value not in valid:
        raise ConfigurationError(f"{what}={value!r} is not one of {', '.join(valid)}")
    return str(value)


def sequence(value: Any, what: str, of: str) -> list[Any]:
    """Return what a list holds; `of` names it in an error.

    Raises:
        ConfigurationError: It is no list, or a text, each of whose characters would be taken for an item.
    """
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{what}={value!r} is not a list of {of}")
    return list(value)


def arguments(value: Any, what: str) -> tuple[Any, ...]:
    """Return the positional arguments of a call.

    Raises:
        ConfigurationError: They are no list; a single one, perhaps.
    """
    __tracebackhide__ = True
    if isinstance(value, (str, bytes)) or not isinstance(value, Iterable):
        raise ConfigurationError(f"{what}={value!r}: expected a list or tuple of arguments, such as ('abc',)")
    return tuple(value)


def keywords(value: Any, what: str) -> dict[str, Any]:
    """Return the keyword arguments of a call; none for None.

    Raises:
        ConfigurationError: They are no dict, or a name is no text.
    """
    __tracebackhide__ = True
    if value is not None and (not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value)):
        raise ConfigurationError(f"{what}={value!r}: expected a dict of arguments by name, such as {{'user': 1}}")
    return dict(value or {})


def items(value: Any, what: str) -> list[tuple[str, Any]]:
    """Return what a dict holds, sorted by its keys; nothing for None.

    Raises:
        ConfigurationError: It is no dict, or a key is no text.
    """
    if value is not None and not isinstance(value, Mapping):
        raise ConfigurationError(f"{what}={value!r} is not a dict")
    return sorted((text(key, f"{what}: key"), item) for key, item in (value or {}).items())


def json_text(value: Any, what: str) -> str:
    """Return a value as JSON, which is how it reaches another process.

    Raises:
        ConfigurationError: JSON cannot say it.
    """
    try:
        return json.dumps(value)
    except (TypeError, ValueError):
        raise ConfigurationError(f"{what}={value!r} cannot be told to a worker: JSON cannot say it") from None


def task_name(value: Any) -> str | None:
    """Return the name of a task, given that or the task; None for None.

    Raises:
        ConfigurationError: It is something else, or an empty text, which would be taken for all tasks.
    """
    if value == "":
        raise ConfigurationError("'' is no name of a task; leave it out where any is meant")
    if value is None or isinstance(value, str):
        return value
    name = getattr(value, "name", None)
    if not isinstance(name, str):
        raise ConfigurationError(f"{value!r} is neither a task nor the name of one")
    return name


def exception_name(value: Any, what: str) -> str:
    """Return the name of an exception, given that or its class.

    Raises:
        ConfigurationError: It is something else.
    """
    if isinstance(value, str) and value:
        return value
    if not isinstance(value, type) or not issubclass(value, BaseException):
        raise ConfigurationError(f"{what}: {value!r} is neither an exception nor the name of one")
    return f"{value.__module__}.{value.__qualname__}"


def task_point(value: Any, what: str) -> str:
    """Return the name of a point that every execution comes to.

    Raises:
        ConfigurationError: It is none.
    """
    if value not in ("received", "started", "finished") and not re.fullmatch("query:[1-9][0-9]*", str(value)):
        raise ConfigurationError(
            f'{what}={value!r} is not "received", "started", "finished" or "query:N" with N from 1'
        )
    return str(value)


def signal_number(value: str | int, what: str) -> int:
    """Return the number of a signal, given by its name or its number.

    Raises:
        ConfigurationError: There is no such signal.
    """
    try:
        return int(signal.Signals[value] if isinstance(value, str) else signal.Signals(value))
    except (KeyError, ValueError):
        raise ConfigurationError(f"{what}={value!r} is not a signal such as SIGKILL or SIGTERM") from None
