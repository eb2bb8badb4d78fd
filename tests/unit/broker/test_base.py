from __future__ import annotations

import pytest

from pytest_celery_perf.broker.base import Broker, Endpoint
from pytest_celery_perf.broker.shared import attach
from pytest_celery_perf.errors import BrokerError

OWN = Endpoint(
    kind="process", description="valkey-server 8.1.0", address="redis://:pa55@127.0.0.1:20000/0", databases=4
)
FOREIGN = Endpoint(
    kind="external",
    description="redis.example",
    address="rediss://ada:pa55@redis.example/7?ssl_cert_reqs=none",
    databases=1,
    key_prefix="celery-perf:a:",
    warnings=("evicts",),
)


class DeadServer:
    """A server that counts its starts and never answers."""

    kind = "process"
    description = "dead"
    pid = None
    starts = 0

    def start(self) -> Endpoint:
        self.starts += 1
        return Endpoint(kind="process", description="dead", address="redis://127.0.0.1:1/0", databases=1)

    def kill(self, *, keep_data: bool = True) -> None:
        pass

    def pause(self) -> None:
        pass

    def resume(self) -> None:
        pass

    def restart(self) -> Endpoint:
        return self.start()

    def stop(self) -> None:
        pass

    def log_tail(self, lines: int) -> list[str]:
        return ["last words"] * lines


@pytest.mark.parametrize(
    ("db", "url"), [(0, "redis://:pa55@127.0.0.1:20000/0"), (3, "redis://:pa55@127.0.0.1:20000/3")]
)
def test_a_server_of_our_own_has_a_url_for_each_database(db: int, url: str) -> None:
    assert url == OWN.url(db)


def test_the_users_url_is_taken_as_it_is() -> None:
    assert FOREIGN.url(0) == FOREIGN.address


def test_a_broker_is_told_in_a_line_without_its_password() -> None:
    assert repr(Broker(DeadServer())) == "Broker(process: dead, not started)"
    assert repr(attach(FOREIGN.dump())) == "Broker(external: redis.example, redis.example:6379)"


@pytest.mark.parametrize("db", [-1, 4])
def test_a_database_that_does_not_exist_is_an_error(db: int) -> None:
    with pytest.raises(BrokerError, match=rf"database {db} of valkey-server 8.1.0: expected a number below 4"):
        OWN.url(db)


def test_host_and_port_come_from_the_address() -> None:
    assert (OWN.host, OWN.port) == ("127.0.0.1", 20000)
    assert (FOREIGN.host, FOREIGN.port) == ("redis.example", 6379)


@pytest.mark.parametrize("endpoint", [OWN, FOREIGN])
def test_an_endpoint_travels_to_another_process(endpoint: Endpoint) -> None:
    assert endpoint == Endpoint.load(endpoint.dump())


def test_a_broker_is_unusable_before_start_and_starts_once() -> None:
    server = DeadServer()
    broker = Broker(server)
    with pytest.raises(BrokerError, match=r"the broker is not started \(process: dead\)"):
        broker.url()
    assert not broker.ping()

    with broker:
        broker.start()
        assert server.starts == 1
        assert broker.url() == "redis://127.0.0.1:1/0"
        assert broker.log_tail(2) == ["last words"] * 2
        assert not broker.ping()

    with pytest.raises(BrokerError, match="not started"):
        broker.url()


def test_an_attached_broker_is_ready_and_can_neither_be_killed_nor_restarted() -> None:
    broker = attach(FOREIGN.dump())

    assert broker.endpoint == FOREIGN
    assert broker.key_prefix == "celery-perf:a:"
    assert broker.warnings == ("evicts",)
    with pytest.raises(BrokerError, match=r"redis\.example is shared by the whole run: a test that kills a broker"):
        broker.kill()
    with pytest.raises(BrokerError, match="cannot be restarted from here"):
        broker.restart()
    broker.stop()
