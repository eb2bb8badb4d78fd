from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest
import redis

from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.external import ExternalServer
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard import Guard

THEIRS = {b"celery", b"celery-perf:other:celery", b"celery-perf:ru:celery", b"unacked"}

RUN = """
import sys
sys.path[:] = eval(sys.argv[1])
import redis
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.external import ExternalServer
from pytest_celery_perf.guard import Guard
guard = Guard()
guard.start()
broker = Broker(ExternalServer(sys.argv[2], key_prefix="celery-perf:run:", guard=guard)).start()
redis.Redis.from_url(broker.url()).set(broker.key_prefix + "celery", 1)
print(guard.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def users_server(broker: Broker) -> redis.Redis:
    """Somebody's Redis, with somebody's data."""
    client = redis.Redis.from_url(broker.url(2))
    client.mset(dict.fromkeys(THEIRS, 1))
    return client


def keys(client: redis.Redis) -> set[bytes]:
    found = client.keys()
    assert isinstance(found, list)
    return {key for key in found if isinstance(key, bytes)}


def external(broker: Broker, guard: Guard, prefix: str = "celery-perf:run:") -> Broker:
    return Broker(ExternalServer(broker.url(2), key_prefix=prefix, guard=guard))


def test_it_offers_the_users_database_and_a_prefix(broker: Broker, guard: Guard) -> None:
    with external(broker, guard) as guest:
        assert guest.ping()
        assert guest.kind == "external"
        assert guest.databases == 1
        assert guest.key_prefix == "celery-perf:run:"
        assert guest.url() == broker.url(2)
        assert guest.warnings == ()


@pytest.mark.parametrize("prefix", ["celery-perf:run:", r"celery-perf:r[u]?*n\^:"])
def test_only_keys_under_the_prefix_are_deleted(
    broker: Broker, guard: Guard, users_server: redis.Redis, prefix: str
) -> None:
    with external(broker, guard, prefix):
        users_server.mset({f"{prefix}{number}": number for number in range(2500)})
        assert len(keys(users_server)) == 2500 + len(THEIRS)

    assert keys(users_server) == THEIRS


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes through Linux' pidfd")
def test_a_killed_run_leaves_no_keys(broker: Broker, users_server: redis.Redis) -> None:
    command = [sys.executable, "-c", RUN, repr(sys.path), broker.url(2)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        guard = os.pidfd_open(int(run.stdout.readline()))
        assert keys(users_server) == THEIRS | {b"celery-perf:run:celery"}
        run.send_signal(signal.SIGKILL)

    assert select.select([guard], [], [], 30)[0]
    os.close(guard)
    assert keys(users_server) == THEIRS


def test_an_evicting_server_is_warned_about(broker: Broker, guard: Guard, users_server: redis.Redis) -> None:
    users_server.config_set("maxmemory-policy", "allkeys-lru")

    with external(broker, guard) as guest:
        (warning,) = guest.warnings
    assert "has maxmemory-policy=allkeys-lru: once its memory is full it drops keys" in warning
    assert ":***@127.0.0.1" in warning


def test_a_user_that_may_not_ask_gets_a_warning_too(broker: Broker, guard: Guard, users_server: redis.Redis) -> None:
    users_server.acl_setuser(
        "guest", enabled=True, passwords=["+pa55"], keys=["celery-perf:*"], commands=["+@all", "-info"]
    )
    url = f"redis://guest:pa55@{broker.host}:{broker.port}/2"

    with Broker(ExternalServer(url, key_prefix="celery-perf:run:", guard=guard)) as guest:
        (warning,) = guest.warnings
    assert "does not tell its maxmemory-policy" in warning
    assert "pa55" not in warning


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("redis://h:1/0", "redis://h:1/0"),
        ("rediss://h:1/0", "rediss://h:1/0?ssl_cert_reqs=required"),
        ("rediss://h:1/0?ssl_ca_certs=/a/b%20c", "rediss://h:1/0?ssl_ca_certs=/a/b%20c&ssl_cert_reqs=required"),
        ("rediss://h:1/0?ssl_cert_reqs=CERT_REQUIRED", "rediss://h:1/0?ssl_cert_reqs=required"),
        ("rediss://h:1/0?ssl_cert_reqs=CERT_NONE&db=2", "rediss://h:1/0?ssl_cert_reqs=none&db=2"),
        ("rediss://h:1/0?db=2&ssl_cert_reqs=CERT_OPTIONAL", "rediss://h:1/0?db=2&ssl_cert_reqs=optional"),
        ("rediss://h:1/0?ssl_cert_reqs=none", "rediss://h:1/0?ssl_cert_reqs=none"),
    ],
)
def test_what_is_demanded_of_a_certificate_is_said_so_that_redis_and_celery_understand(
    guard: Guard, given: str, used: str
) -> None:
    server = ExternalServer(given, key_prefix="celery-perf:run:", guard=guard)

    assert server.description == f"{used}, keys under celery-perf:run:"


def test_a_server_that_does_not_answer_is_named_without_its_password(guard: Guard) -> None:
    server = ExternalServer("redis://:secret@127.0.0.1:1/0", key_prefix="celery-perf:run:", guard=guard)

    with pytest.raises(
        BrokerError, match=r"celery_perf_broker='redis://:\*\*\*@127.0.0.1:1/0' does not answer"
    ) as error:
        server.start()
    assert "secret" not in str(error.value)


def test_it_is_not_ours_to_kill(broker: Broker, guard: Guard) -> None:
    with external(broker, guard) as guest:
        with pytest.raises(BrokerError, match="is not ours to kill: a test that does needs celery_perf_broker=process"):
            guest.kill()
        with pytest.raises(BrokerError, match="is not ours to restart"):
            guest.restart()
        assert guest.ping()
        assert guest.log_tail() == []


def test_keys_of_a_server_that_is_down_are_left_to_the_guard(broker: Broker) -> None:
    guard = Guard()
    guard.start()
    guest = external(broker, guard).start()
    broker.kill()

    guest.stop()

    (problem,) = guard.close()
    assert "could not remove Keys(" in problem
    broker.restart()
