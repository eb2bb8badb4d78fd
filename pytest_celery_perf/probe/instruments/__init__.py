"""What can be measured of an execution, for messages that ask for it: most do not, and pay nothing.

An instrument is a module here. It says on which pools its figure belongs to one execution alone, and its ``begin``
starts to measure one. What it finds out becomes the rows of a `wire.Measured`, which `readings` defines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from pytest_celery_perf.probe.attempt import RunningAttempt

INSTRUMENTS = ("cache", "calls", "cpu", "garbage", "logs", "memory", "outbound", "payload", "requests", "thread")
"""Their names: those of the modules."""
OBTRUSIVE = ("calls",)
"""Those that slow the task down, so that they spoil the figures of the others: they are asked for by name."""


class Reading(Protocol):
    """One instrument at one execution."""

    def end(self) -> Iterable[tuple[Any, ...]] | None:
        """Return the rows of what was measured since its begin; None if that belongs to nobody."""


class BodyReading(Protocol):
    """An instrument that measures the task's own function alone; it adds itself to the attempt's `body_readings`."""

    def begin_body(self) -> None:
        """The function is called next."""

    def end_body(self) -> None:
        """The function has just returned or raised."""


class Instrument(Protocol):
    """What each module here has."""

    POOLS: frozenset[str]
    """The pools on which what it measures belongs to one execution alone."""

    def begin(self, attempt: RunningAttempt) -> Reading:
        """Begin to measure an execution, in the thread and process that run it."""


class Measurement(NamedTuple):
    """What an execution is measured with."""

    instrument: str
    reading: Reading


def begin(names: Iterable[str], attempt: RunningAttempt, pool: str, report: Callable[[str], None]) -> list[Measurement]:
    """Begin to measure an execution.

    Args:
        names: What its message asks for; what a worker of another version does not know is left out.
        attempt: The execution.
        pool: ``prefork``, ``solo``, ``threads`` or ``gevent``.
        report: Told of each instrument that cannot begin, whose figure nobody knows then.

    Returns:
        What is measured here: an instrument that cannot tell the executions of this pool apart is not.
    """
    begun = []
    for name in names:
        if name in INSTRUMENTS:
            try:
                instrument = _load(name)
                if pool in instrument.POOLS:
                    begun.append(Measurement(name, instrument.begin(attempt)))
            except Exception as error:
                report(f"{name} of {attempt.name} is not measured: {error!r}")
    return begun


def body_bytes(body: bytes | str) -> int:
    """Return how large a body is, of a message or of a result."""
    return len(body.encode() if isinstance(body, str) else body)


def _load(name: str) -> Instrument:
    module: Any = import_module(f"{__name__}.{name}")
    return module  # type: ignore[no-any-return]
