"""Connections and requests as one figure: how often others were called."""

from __future__ import annotations

from pytest_celery_perf.measure.outbound import Calls, calls_of
from pytest_celery_perf.model.figures import Figures
from pytest_celery_perf.model.uses import Connection, HttpRequest, HttpUse, OutboundUse
from tests.unit.histories import execution


def made(host: str, port: int | None = 443, *, made: int = 1, failed: int = 0) -> Connection:
    return Connection(host=host, port=port, made=made, failed=failed)


def sent(host: str, times: int = 1, status: int | None = 200) -> HttpRequest:
    return HttpRequest(host=host, port=443, method="GET", path="/", status=status, times=times)


def calls(connections: list[Connection], requests: list[HttpRequest]) -> Calls:
    figures = Figures(outbound=OutboundUse(connections=tuple(connections)), requests=HttpUse(requests=tuple(requests)))
    told = calls_of(execution(figures=figures))
    assert told is not None
    return told


def test_requests_by_one_connection_are_what_counts() -> None:
    told = calls([made("a")], [sent("a", 3)])
    assert (told.total, [each.what for each in told.made]) == (3, ["GET / 200"])


def test_connections_without_http_count() -> None:
    told = calls([made("mail", 25, made=2)], [])
    assert (told.peers, [each.what for each in told.made]) == ({"mail:25": 2}, ["connection"])


def test_more_connections_than_requests_count() -> None:
    assert calls([made("a", made=3)], [sent("a")]).total == 3


def test_addresses_that_were_tried_in_vain_count_only_where_none_answered() -> None:
    assert calls([made("a", made=0, failed=1), made("a")], []).total == 1
    told = calls([made("a", made=0, failed=2)], [])
    assert (told.total, told.made[0].what) == (2, "connection failed")


def test_a_request_that_could_not_connect_is_one_call() -> None:
    told = calls([made("a", made=0, failed=2)], [sent("a", status=None)])
    assert (told.total, told.made[0].what) == (1, "GET / no response")


def test_each_peer_is_counted_apart() -> None:
    told = calls([made("a"), made("/run/app.sock", None)], [sent("a", 2)])
    assert told.peers == {"a:443": 2, "/run/app.sock": 1}


def test_what_was_not_measured_is_not_zero() -> None:
    assert calls_of(execution()) is None
