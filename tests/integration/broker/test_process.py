from __future__ import annotations

import os
import select
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from pytest_celery_perf.broker import ports
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.binary import Binary
from pytest_celery_perf.broker.client import connect
from pytest_celery_perf.broker.process import ProcessServer
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard.processes import start_time

MakeServer = Callable[..., ProcessServer]

RUN = """
import sys
sys.path[:] = eval(sys.argv[1])
from pytest_celery_perf.broker.choose import choose
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.rundir import RunDirectory
from pathlib import Path
rundir = RunDirectory.create(Path(sys.argv[2]))
guard = Guard()
guard.start()
guard.directory(rundir.path)
broker = choose("process", image=None, rundir=rundir, guard=guard).start()
print(guard.pid, broker.pid, broker.url(), flush=True)
sys.stdin.read()
"""


def directory_of(server: ProcessServer) -> Path:
    return server._directory


def test_it_answers_with_its_password_only(make_server: MakeServer, server_binary: Binary) -> None:
    broker = Broker(make_server(server_binary)).start()

    assert broker.ping()
    assert broker.kind == "process"
    assert broker.description == f"process: {server_binary.description}"
    with pytest.raises(redis.AuthenticationError), connect(f"redis://{broker.host}:{broker.port}") as stranger:
        stranger.ping()


def test_the_password_is_in_no_process_list_and_no_file(make_server: MakeServer, server_binary: Binary) -> None:
    server = make_server(server_binary)
    broker = Broker(server).start()
    password = broker.url().split("@")[0].rpartition(":")[2]

    command = Path(f"/proc/{broker.pid}/cmdline").read_text()
    assert server_binary.path.name in command
    assert password not in command
    assert all(password not in file.read_text() for file in directory_of(server).iterdir())
    assert stat.S_IMODE(directory_of(server).stat().st_mode) == 0o700


def test_it_listens_on_the_loopback_interface_alone(broker: Broker) -> None:
    with redis.Redis.from_url(broker.url()) as client:
        assert client.config_get("bind")["bind"] == "127.0.0.1"


def test_it_has_databases_for_more_than_sixteen_xdist_workers(broker: Broker) -> None:
    for db in (0, 17, broker.databases - 1):
        with redis.Redis.from_url(broker.url(db)) as client:
            client.set("db", db)
    with redis.Redis.from_url(broker.url(17)) as client:
        assert client.get("db") == b"17"
    with pytest.raises(BrokerError, match="expected a number below 1024"):
        broker.url(broker.databases)


@pytest.mark.parametrize(("append_only", "kept"), [(True, b"1"), (False, None)])
def test_a_killed_server_comes_back_at_its_port(
    make_server: MakeServer, server_binary: Binary, append_only: bool, kept: bytes | None
) -> None:
    broker = Broker(make_server(server_binary, append_only=append_only)).start()
    url, pid = broker.url(3), broker.pid
    assert pid is not None
    with redis.Redis.from_url(url) as client:
        client.set("key", 1)

    broker.kill()
    assert not broker.ping()
    assert broker.pid is None
    assert start_time(pid) is None

    broker.restart()
    assert broker.ping()
    assert broker.pid != pid
    assert broker.url(3) == url
    with redis.Redis.from_url(url) as client:
        assert client.get("key") == kept


@pytest.mark.parametrize(("keep_data", "kept"), [(True, b"1"), (False, None)])
def test_data_where_redis_6_keeps_them_can_be_lost_as_well(
    make_server: MakeServer, server_binary: Binary, keep_data: bool, kept: bytes | None
) -> None:
    """Newer servers read that file, too, where they have none of their own."""
    server = make_server(server_binary, append_only=True)
    broker = Broker(server).start()
    shutil.rmtree(directory_of(server) / "appendonlydir", ignore_errors=True)
    (directory_of(server) / "appendonly.aof").write_bytes(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1\r\n1\r\n")

    broker.kill(keep_data=keep_data)
    broker.restart()

    with redis.Redis.from_url(broker.url()) as client:
        assert client.get("key") == kept


def test_restart_without_kill_is_a_kill_and_a_restart(broker: Broker) -> None:
    pid = broker.pid

    broker.restart()

    assert broker.ping()
    assert broker.pid != pid


def test_a_server_that_was_never_started_cannot_be_restarted(make_server: MakeServer) -> None:
    with pytest.raises(BrokerError, match="it was never started"):
        make_server().restart()


def test_stop_leaves_neither_process_nor_directory(make_server: MakeServer) -> None:
    server = make_server()
    broker = Broker(server).start()
    pid = broker.pid
    assert pid is not None

    broker.stop()

    assert start_time(pid) is None
    assert not directory_of(server).exists()
    broker.stop()


def test_a_port_that_is_taken_is_passed_over(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        others = [*ports.candidates()]
        monkeypatch.setattr(ports, "candidates", lambda: iter([taken.getsockname()[1], *others]))

        assert Broker(make_server()).start().port in others


def test_another_server_at_the_port_is_not_taken_for_ours(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Broker(make_server()).start()
    monkeypatch.setattr(ports, "candidates", lambda: iter([other.port]))

    with pytest.raises(BrokerError, match=r"found no free port:\n(.*\n)*.*Address already in use"):
        make_server().start()
    assert other.ping()


def test_a_server_that_ends_at_once_says_why(make_server: MakeServer, tmp_path: Path) -> None:
    path = tmp_path / "redis-server"
    path.write_text("#!/bin/sh\necho 'cannot allocate the heap'\nexit 3\n")
    path.chmod(0o755)

    with pytest.raises(BrokerError, match=r"redis-server 7\.0\.0 ended with status 3:\n +cannot allocate the heap"):
        make_server(Binary(path=path, version=(7, 0, 0))).start()


def test_its_log_is_at_hand(broker: Broker) -> None:
    assert any("Ready to accept connections" in line for line in broker.log_tail())


def test_many_at_once_do_not_disturb_each_other(make_server: MakeServer) -> None:
    brokers = [Broker(make_server()).start() for _ in range(6)]

    assert len({broker.port for broker in brokers}) == len(brokers)
    assert all(broker.ping() for broker in brokers)


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes through Linux' pidfd")
def test_it_does_not_survive_a_killed_run(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN, repr(sys.path), str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        guard, server, url = run.stdout.readline().split()
        guard_fd, server_fd = os.pidfd_open(int(guard)), os.pidfd_open(int(server))
        with redis.Redis.from_url(url) as client:
            assert client.ping()
        assert [entry.name for entry in tmp_path.glob("run-*/broker-*")]

        run.kill()

    for descriptor in (server_fd, guard_fd):
        assert select.select([descriptor], [], [], 30)[0]
        os.close(descriptor)
    assert list(tmp_path.glob("run-*")) == []
