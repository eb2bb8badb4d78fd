"""What executions do with caches, loggers and others on the network, and what markers demand of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.spec import Budget


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheCall:
    """What one execution did from one line with keys of a kind."""

    alias: str
    """Of the cache in Django's settings."""
    event: str
    """``hit``, ``miss``, ``set``, ``touch`` or ``delete``."""
    key: str
    """Without what changes from run to run, such as numbers."""
    lasting: bool
    """Whether the keys have no TTL from then on."""
    times: int
    where: Frame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheUse:
    """What one execution asked of Django's caches."""

    calls: tuple[CacheCall, ...] = ()

    @property
    def hits(self) -> int:
        """Keys that were asked for and found."""
        return self._count("hit")

    @property
    def misses(self) -> int:
        """Keys that were asked for and not found."""
        return self._count("miss")

    @property
    def sets(self) -> int:
        """Keys that were written."""
        return self._count("set")

    @property
    def deletes(self) -> int:
        """Keys that were deleted, whether they were there or not."""
        return self._count("delete")

    @property
    def lasting(self) -> int:
        """Keys that were written without a TTL, or lost theirs: they stay until somebody deletes them."""
        return sum(call.times for call in self.calls if call.lasting)

    def _count(self, event: str) -> int:
        return sum(call.times for call in self.calls if call.event == event)


def hit_ratio(uses: Iterable[CacheUse]) -> float | None:
    """Return the share of the keys asked for that were found; None if none was asked for."""
    hits = misses = 0
    for use in uses:
        hits, misses = hits + use.hits, misses + use.misses
    return hits / (hits + misses) if hits + misses else None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogText:
    """What one execution logged from one line."""

    level: int
    """As Python's ``logging`` numbers them: 30 is a warning."""
    text: str
    """The template without its arguments, and without what changes from run to run, such as numbers."""
    times: int
    where: Frame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogUse:
    """The log records of one execution, those that its loggers let through."""

    texts: tuple[LogText, ...] = ()

    @property
    def records(self) -> int:
        """How many."""
        return sum(text.times for text in self.texts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """The connections of one execution from one line to one host and port."""

    host: str
    """By the name that was looked up; of a socket in the file system its path."""
    port: int | None
    made: int
    """Established, or on the way."""
    failed: int
    """Refused or out of reach; of a name with several addresses, each that was tried in vain."""
    where: Frame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundUse:
    """The connections of one execution, those to the broker, to databases and caches apart."""

    connections: tuple[Connection, ...] = ()

    @property
    def made(self) -> int:
        """How many were established, or on the way."""
        return sum(connection.made for connection in self.connections)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """The HTTP requests of a kind of one execution from one line."""

    host: str
    port: int
    method: str
    path: str
    """Without the query, and without what changes from run to run, such as numbers."""
    status: int | None
    """None if there was no response."""
    times: int
    where: Frame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpUse:
    """The HTTP requests of one execution, as far as its client is known."""

    requests: tuple[HttpRequest, ...] = ()

    @property
    def sent(self) -> int:
        """How many."""
        return sum(request.times for request in self.requests)


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheBudget(Budget):
    """``celery_cache``."""

    instruments = ("cache",)
    alias: str | None = None
    """The cache that is judged; None: all together."""
    hit_ratio: float | None = None
    """The least share of the keys asked for, in all executions together, that must be found."""
    max_misses: int | None = None
    """How many keys one execution may ask for in vain."""
    ttl_required: bool = False
    warmup: int = 0
    """How many executions of the task in each process are left out first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsBudget(Budget):
    """``celery_logs``."""

    instruments = ("logs",)
    max: int | None = None
    """Of the records of an execution."""
    levels: tuple[tuple[int, int], ...] = ()
    """(level, maximum) pairs."""
    repeated: int | None = None
    """How often an execution may log the same text from the same line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundBudget(Budget):
    """``celery_outbound``."""

    instruments = ("outbound", "requests")
    max: int | None = None
    """Of the calls of an execution: to each host and port its connections, or its HTTP requests if they are more."""
    exact: int | None = None
    hosts: tuple[str, ...] | None = None
    """Patterns of the hosts, with or without port, that may be called; None: any."""
