"""The calls of an execution to others: its connections and its HTTP requests as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.uses import Connection, HttpRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A way in which an execution called somebody from one line."""

    peer: str
    """Host and port."""
    what: str
    """``GET /orders/# 200``, ``connection`` or ``connection failed``."""
    times: int
    where: Frame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """The calls of one execution."""

    made: tuple[Call, ...]
    """HTTP requests where they were seen, else connections."""

    @property
    def peers(self) -> Mapping[str, int]:
        """How often each was called."""
        counts: dict[str, int] = {}
        for call in self.made:
            counts[call.peer] = counts.get(call.peer, 0) + call.times
        return counts

    @property
    def total(self) -> int:
        """How often others were called."""
        return sum(call.times for call in self.made)


def calls_of(execution: Execution) -> Calls | None:
    """Put the connections and requests of an execution together.

    One connection may carry many requests, and not every protocol is HTTP: to each host and port the calls are its
    HTTP requests, or its connections if these are more. Of a name with several addresses each is tried, so that
    connections that failed count only where none was made.

    Returns:
        The calls; None if nobody measured them.
    """
    outbound, http = execution.figures.outbound, execution.figures.requests
    if outbound is None or http is None:
        return None
    connections: dict[str, list[Connection]] = {}
    requests: dict[str, list[HttpRequest]] = {}
    for connection in outbound.connections:
        connections.setdefault(_peer(connection), []).append(connection)
    for request in http.requests:
        requests.setdefault(_peer(request), []).append(request)
    made: list[Call] = []
    for peer in {**connections, **requests}:
        connected, sent = connections.get(peer, []), requests.get(peer, [])
        if sum(each.times for each in sent) >= sum(each.made for each in connected) and sent:
            made.extend(_request(peer, each) for each in sent)
        else:
            made.extend(_connections(peer, connected))
    return Calls(made=tuple(made))


def _peer(each: Connection | HttpRequest) -> str:
    return each.host if each.port is None else f"{each.host}:{each.port}"


def _request(peer: str, request: HttpRequest) -> Call:
    status = "no response" if request.status is None else request.status
    return Call(peer=peer, what=f"{request.method} {request.path} {status}", times=request.times, where=request.where)


def _connections(peer: str, connections: list[Connection]) -> list[Call]:
    made = [Call(peer=peer, what="connection", times=each.made, where=each.where) for each in connections if each.made]
    return made or [
        Call(peer=peer, what="connection failed", times=each.failed, where=each.where) for each in connections
    ]
