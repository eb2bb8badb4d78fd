"""A broker as the rest of the package sees it, and what it expects of a server."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import urlsplit

from pytest_celery_perf.broker import client
from pytest_celery_perf.errors import BrokerError


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """All that is needed to use a server that runs: for this process, and for the others of the run."""

    kind: str
    """``process``, ``container`` or ``external``."""
    description: str
    """For people: which server it is, and why this one."""
    address: str
    """The URL of database 0, or of the only one, password included."""
    databases: int
    """How many logical databases may be used."""
    key_prefix: str = ""
    """Everything of ours lives under it; empty on a server of our own."""
    warnings: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """The host's name or address."""
        return urlsplit(self.address).hostname or "localhost"

    @property
    def port(self) -> int:
        """The TCP port."""
        return urlsplit(self.address).port or 6379

    def url(self, db: int = 0) -> str:
        """Return the URL of a database.

        Args:
            db: Its number, from 0.

        Raises:
            BrokerError: The server has no such database, or it is not ours to use.
        """
        if not 0 <= db < self.databases:
            raise BrokerError(f"database {db} of {self.description}: expected a number below {self.databases}")
        return urlsplit(self.address)._replace(path=f"/{db}").geturl() if self.databases > 1 else self.address

    def dump(self) -> str:
        """Return it as text for another process of the run; it holds the password."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def load(cls, text: str) -> Endpoint:
        """Read what `dump` wrote.

        Raises:
            ValueError, TypeError: Something else wrote it.
        """
        fields = json.loads(text)
        return cls(**{**fields, "warnings": tuple(fields["warnings"])})


class Server(Protocol):
    """Something that can be had as a Redis server; each kind is a module of its own."""

    @property
    def kind(self) -> str:
        """``process``, ``container`` or ``external``."""

    @property
    def description(self) -> str:
        """Which server it is, and why this one; known before it is started."""

    @property
    def pid(self) -> int | None:
        """The server's process, where it is one of this machine that we started."""

    def start(self) -> Endpoint:
        """Bring it up, and return once it answers."""

    def kill(self, *, keep_data: bool = True) -> None:
        """SIGKILL it, and return once it is dead.

        Args:
            keep_data: Whether it finds its data when it is started again.
        """

    def pause(self) -> None:
        """Stop it: it is there, and answers nobody."""

    def resume(self) -> None:
        """Have it go on after `pause`."""

    def restart(self) -> Endpoint:
        """Bring it up again after `kill`, at the same port and with the same data."""

    def stop(self) -> None:
        """Remove it with all its data; never fails because it is dead already."""

    def log_tail(self, lines: int) -> list[str]:
        """Return the last lines that it logged, where we can know them."""


class Broker:
    """A server with its endpoint: from `start` to `stop` it can be used."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._endpoint: Endpoint | None = None

    def __repr__(self) -> str:  # type: ignore[explicit-override]  # from Python 3.12 on
        """Tell which it is and where, in a line; not its password."""
        where = "not started" if self._endpoint is None else f"{self.host}:{self.port}"
        return f"Broker({self.description}, {where})"

    @property
    def kind(self) -> str:
        """``process``, ``container`` or ``external``."""
        return self._server.kind

    @property
    def description(self) -> str:
        """For the header, such as ``process: /usr/bin/valkey-server 8.1.0``."""
        return f"{self._server.kind}: {self._server.description}"

    @property
    def pid(self) -> int | None:
        """The server's process, where it is one of this machine that we started."""
        return self._server.pid

    @property
    def endpoint(self) -> Endpoint:
        """What another process needs in order to `attach`.

        Raises:
            BrokerError: It is not started.
        """
        if self._endpoint is None:
            raise BrokerError(f"the broker is not started ({self.description})")
        return self._endpoint

    @property
    def host(self) -> str:
        """The host's name or address."""
        return self.endpoint.host

    @property
    def port(self) -> int:
        """The TCP port, which stays the same over a restart."""
        return self.endpoint.port

    @property
    def databases(self) -> int:
        """How many logical databases may be used: 1 on an external server."""
        return self.endpoint.databases

    @property
    def key_prefix(self) -> str:
        """Everything of ours lives under it; empty on a server of our own."""
        return self.endpoint.key_prefix

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user should know about this server, a sentence each."""
        return self.endpoint.warnings

    def url(self, db: int = 0) -> str:
        """Return the URL of a database, password included.

        Raises:
            BrokerError: The server has no such database.
        """
        return self.endpoint.url(db)

    def start(self) -> Self:
        """Bring the server up, unless it is; return once it answers.

        Raises:
            BrokerError: It does not come up.
        """
        if self._endpoint is None:
            self._endpoint = self._server.start()
        return self

    def ping(self, timeout_s: float = 1.0) -> bool:
        """Whether it answers, now.

        Args:
            timeout_s: How long it may take to.
        """
        return self._endpoint is not None and client.answers(self._endpoint.address, timeout_s)

    def kill(self, *, keep_data: bool = True) -> None:
        """Kill the server with SIGKILL, and return once it is dead.

        Args:
            keep_data: Whether what it saved is there when it is started again.

        Raises:
            BrokerError: It is not ours to kill.
        """
        self._server.kill(keep_data=keep_data)

    def pause(self) -> None:
        """Stop the server, so that its connections stay and nobody answers.

        Raises:
            BrokerError: It is not ours to stop.
        """
        self._server.pause()

    def resume(self) -> None:
        """Have the server go on after `pause`.

        Raises:
            BrokerError: It is not ours.
        """
        self._server.resume()

    def drop_connections(self, path: str) -> int:
        """Close all connections to one database, this process's included, from the server's side.

        Args:
            path: Of the database's URL.

        Returns:
            How many there were.

        Raises:
            BrokerError: Others may use the database as well.
        """
        if self.key_prefix:
            raise BrokerError(
                f"{self.description}: others may be connected there; dropping connections needs "
                "celery_perf_broker=process, container or auto"
            )
        return client.drop_connections(self.endpoint.address, path.removeprefix("/") or "0")

    def listeners(self, path: str) -> frozenset[str]:
        """Return the addresses of those who wait for a message right now; none if the server does not say.

        Args:
            path: Of the database's URL.
        """
        from redis.exceptions import RedisError

        try:
            return client.listeners(self.endpoint.address, path.removeprefix("/") or "0")
        except (RedisError, OSError):
            return frozenset()

    def restart(self) -> None:
        """Bring the killed server up again: same port, same data; return once it answers.

        The data are those that Redis saved: all with ``append_only``, else none.

        Raises:
            BrokerError: It does not come up, or is not ours.
        """
        self._endpoint = self._server.restart()

    def stop(self) -> None:
        """Remove the server, or what is ours on it."""
        self._server.stop()
        self._endpoint = None

    def log_tail(self, lines: int = 20) -> list[str]:
        """Return the last lines of the server's log, where we can know them."""
        return self._server.log_tail(lines)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()
