"""Reads the arguments of ``celery_perf.load`` and ``celery_perf.capacity``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.load.mix import ARGUMENTS, Arguments, Kind, is_arguments
from pytest_celery_perf.model.arguments import keywords, natural, one_of
from pytest_celery_perf.model.load import Arrivals, ClosedLoop, OpenLoop
from pytest_celery_perf.model.units import parse_duration_s, parse_rate_per_s, parse_share

__tracebackhide__ = True
"""Who has given a wrong argument is shown the own line, not ours (pytest's documentation of ``__tracebackhide__``)."""

T = TypeVar("T")
Resolve = Callable[[Any], Any]
"""Returns the task of that name; what is no text, as it is."""


def kinds_of(
    task: Any, args: Sequence[Any] | Arguments, kwargs: Mapping[str, Any] | None, resolve: Resolve, what: str
) -> tuple[Kind, ...]:
    """Read what to publish.

    Args:
        task: A task, its name or a signature; or several of these with weights, as a mapping or as pairs.
        args: Positional arguments; or a function that returns those of each task.
        kwargs: Keyword arguments.
        resolve: Finds tasks by name.
        what: The method that was called, for errors.

    Raises:
        ConfigurationError: Something is not valid.
    """
    __tracebackhide__ = True
    if not callable(args) and not is_arguments(args):
        raise ConfigurationError(f"{what}: args={args!r}: expected {ARGUMENTS}")
    named = keywords(kwargs, f"{what}: kwargs")
    if isinstance(task, str) or hasattr(task, "apply_async"):
        return (Kind(task=resolve(task), args=args, kwargs=named),)
    pairs = list(task.items()) if isinstance(task, Mapping) else task
    if not isinstance(pairs, Sequence) or not pairs or not all(map(_is_pair, pairs)):
        raise ConfigurationError(
            f"{what}: {task!r} is neither a task, its name or a signature, nor several of these with their weights, "
            f"such as {{charge: 8, refund: 2}} or [(charge.s(1), 8), (refund.s(1), 2)]"
        )
    if args or named:
        raise ConfigurationError(
            f"{what}: args= and kwargs= are for one task; in a mix, each is a signature: [(charge.s(1), 8), …]"
        )
    return tuple(Kind(task=resolve(each), weight=_weight(weight, what)) for each, weight in pairs)


def _is_pair(pair: object) -> bool:
    return isinstance(pair, tuple) and len(pair) == 2 and (isinstance(pair[0], str) or hasattr(pair[0], "apply_async"))


def _weight(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < float("inf"):
        raise ConfigurationError(f"{what}: weight {value!r}: expected a number above 0")
    return float(value)


def loop_of(
    *,
    count: int | None,
    duration: float | str | None,
    in_flight: int | tuple[int, int] | None,
    rate: float | str | tuple[float | str, float | str] | None,
    arrivals: str,
    seed: int,
    publishers: int,
    bulk: bool,
) -> OpenLoop | ClosedLoop:
    """Read how to publish: by a schedule if there is a rate, else whenever a task has ended.

    Raises:
        ConfigurationError: An argument is not valid, or does not go with another.
    """
    __tracebackhide__ = True
    what = "celery_perf.load"
    if count is None and duration is None:
        raise ConfigurationError(f"{what}: how many tasks, or for how long? give count= or duration=")
    if count is not None:
        natural(count, f"{what}: count", 1)
    duration_s = None if duration is None else positive_duration_s(duration, f"{what}: duration")
    natural(publishers, f"{what}: publishers", 1)
    natural(seed, f"{what}: seed", 0)
    if rate is not None and in_flight is not None:
        raise ConfigurationError(
            f"{what}: rate={rate!r} is an open loop, in_flight={in_flight!r} a closed one: give one of them"
        )
    if rate is None:
        if arrivals != Arrivals.POISSON or seed:
            raise ConfigurationError(
                f"{what}: arrivals={arrivals!r}, seed={seed} need a rate=: in a closed loop a task comes when one ends"
            )
        return _closed(what, count, duration_s, in_flight, publishers)
    if publishers > 1 and not bulk:
        raise ConfigurationError(f"{what}: publishers={publishers} copy messages, which bulk=False forbids")
    rates = _ends(rate, f"{what}: rate", _rate)
    if count is not None and duration_s is not None:
        raise ConfigurationError(
            f"{what}: with rate={rate!r}, count={count} and duration={duration!r} are two ends of one loop: give one"
        )
    return OpenLoop(
        rate_per_s=rates,
        duration_s=duration_s if duration_s is not None else (count or 0) * 2 / sum(rates),
        count=count,
        arrivals=Arrivals(one_of(arrivals, f"{what}: arrivals", *Arrivals)),
        seed=seed,
        publishers=publishers,
    )


def _closed(
    what: str,
    count: int | None,
    duration_s: float | None,
    in_flight: int | tuple[int, int] | None,
    publishers: int,
) -> ClosedLoop:
    if publishers > 1:
        raise ConfigurationError(f"{what}: publishers={publishers} needs a rate=: a closed loop waits for its tasks")
    if in_flight is None and duration_s is not None:
        raise ConfigurationError(f"{what}: duration= needs a rate= (open loop) or in_flight= (closed loop)")
    ends = None if in_flight is None else _ends(in_flight, f"{what}: in_flight", _number)
    return ClosedLoop(in_flight=ends, count=count, duration_s=duration_s)


def positive_duration_s(value: float | str, what: str) -> float:
    """Read a duration that is longer than nothing."""
    seconds = parse_duration_s(value, what)
    if not seconds:
        raise ConfigurationError(f"{what}={value!r}: expected more than 0")
    return seconds


def fraction(value: float | str, what: str) -> float:
    """Read a part of something, above 0."""
    share = parse_share(value, what)
    if not share:
        raise ConfigurationError(f"{what}={value!r}: expected more than 0")
    return share


def rates_of(value: Any, what: str) -> tuple[float, float]:
    """Read two rates, of which the first is lower."""
    lowest, highest = _ends(value, what, _rate)
    if lowest >= highest:
        raise ConfigurationError(f"{what}={value!r}: expected the lower rate first, then a higher one")
    return lowest, highest


def _ends(value: Any, what: str, read: Callable[[Any, str], T]) -> tuple[T, T]:
    """Read a number, or a pair of numbers between which it changes."""
    pair = value if isinstance(value, tuple) else (value, value)
    if len(pair) != 2:
        raise ConfigurationError(f"{what}={value!r}: expected one number, or for a ramp a pair of them")
    return read(pair[0], what), read(pair[1], what)


def _rate(value: float | str, what: str) -> float:
    rate = parse_rate_per_s(value, what)
    if not rate:
        raise ConfigurationError(f"{what}={value!r}: expected more than 0")
    return rate


def _number(value: object, what: str) -> int:
    return natural(value, what, 1)
