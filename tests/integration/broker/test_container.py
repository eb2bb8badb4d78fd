from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
import redis

from pytest_celery_perf.broker import ports
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.client import connect, wait_until
from pytest_celery_perf.broker.container import ContainerServer
from pytest_celery_perf.broker.engine import docker_available
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard import Guard

docker = pytest.importorskip("docker", reason="pip install 'pytest-celery-perf[container]'")

pytestmark = pytest.mark.docker

MakeServer = Callable[..., ContainerServer]

RUN = """
import sys
sys.path[:] = eval(sys.argv[1])
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.container import ContainerServer
from pytest_celery_perf.guard import Guard
guard = Guard()
guard.start()
broker = Broker(ContainerServer(sys.argv[2], guard=guard, run_id=sys.argv[3])).start()
print(guard.pid, broker.url(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def make_server(guard: Guard, redis_image: str) -> Iterator[MakeServer]:
    made: list[ContainerServer] = []

    def make(image: str = redis_image, *, append_only: bool = False, run_id: str = "test") -> ContainerServer:
        made.append(ContainerServer(image, guard=guard, run_id=run_id, append_only=append_only))
        return made[-1]

    yield make
    for server in made:
        server.stop()


def containers(name: str = "celery-perf-test-broker") -> list[str]:
    """Names of the containers, running or not, that begin with a name."""
    client = docker.from_env()
    try:
        return [found["Names"][0] for found in client.api.containers(all=True, filters={"name": name})]
    finally:
        client.close()


@pytest.mark.parametrize(("append_only", "kept"), [(True, b"1"), (False, None)])
def test_it_lives_dies_and_comes_back_at_its_port(
    make_server: MakeServer, redis_image: str, append_only: bool, kept: bytes | None
) -> None:
    with Broker(make_server(append_only=append_only)) as broker:
        url = broker.url(broker.databases - 1)
        assert broker.ping()
        assert (broker.kind, broker.description) == ("container", f"container: {redis_image}")
        # The engine takes in what it prints beside serving it.
        wait_until(lambda: any("Ready to accept connections" in line for line in broker.log_tail()), "its log is there")
        with redis.Redis.from_url(url) as client:
            client.set("key", 1)
        with pytest.raises(redis.AuthenticationError), connect(f"redis://{broker.host}:{broker.port}") as stranger:
            stranger.ping()

        broker.kill()
        assert not broker.ping()
        broker.kill()

        broker.restart()
        assert broker.ping()
        assert broker.url(broker.databases - 1) == url
        with redis.Redis.from_url(url) as client:
            assert client.get("key") == kept
        assert len(containers()) == 1

    assert containers() == []


@pytest.mark.parametrize(("keep_data", "kept"), [(True, b"1"), (False, None)])
def test_data_where_redis_6_keeps_them_can_be_lost_as_well(
    make_server: MakeServer, keep_data: bool, kept: bytes | None
) -> None:
    """Newer servers read that file, too, where they have none of their own."""
    server = make_server(append_only=True)
    old = r"rm -rf appendonlydir; printf '*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1\r\n1\r\n' >appendonly.aof"
    with Broker(server) as broker:
        assert server._container is not None
        assert server._container.get_wrapped_container().exec_run(["sh", "-c", old]).exit_code == 0

        broker.kill(keep_data=keep_data)
        broker.restart()

        with redis.Redis.from_url(broker.url()) as client:
            assert client.get("key") == kept


def test_the_password_is_in_no_process_list(make_server: MakeServer) -> None:
    server = make_server()
    with Broker(server) as broker:
        password = broker.url().split("@")[0].rpartition(":")[2]
        assert server._container is not None
        processes = server._container.get_wrapped_container().top()["Processes"]

    assert any("redis-server" in " ".join(process) or "valkey" in " ".join(process) for process in processes)
    assert password not in str(processes)


def test_a_port_that_is_taken_on_the_docker_host_is_passed_over(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Broker(make_server()) as other:
        others = [*ports.candidates()]
        monkeypatch.setattr(ports, "candidates", lambda: iter([other.port, *others]))

        with Broker(make_server()) as broker:
            assert broker.port in others
            assert other.ping()
            assert len(containers()) == 2

    assert containers() == []


def test_an_image_without_a_server_is_said_so(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_celery_perf.broker.container._RUN", "echo 'no Redis server in this image'; exit 127")

    with pytest.raises(BrokerError, match="ended with status 127:\n    no Redis server in this image"):
        make_server().start()
    assert containers() == []


def test_an_image_that_does_not_exist_is_said_so(make_server: MakeServer) -> None:
    with pytest.raises(BrokerError, match="Docker does not start celery-perf-test/none:none: "):
        make_server("celery-perf-test/none:none").start()


def test_a_container_of_which_the_engine_did_not_tell_is_removed(make_server: MakeServer, redis_image: str) -> None:
    """As when it breaks off while it is asked for one."""
    server = make_server()
    server._container = server._make(next(ports.candidates()))
    client = docker.from_env()
    client.api.create_container(redis_image, ["true"], name=server._name)
    client.close()
    assert len(containers()) == 1

    server.stop()

    assert containers() == []


@pytest.mark.parametrize("disabled", [None, "true"])
def test_no_reaper_is_needed_or_started(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch, disabled: str | None
) -> None:
    from testcontainers.core.config import testcontainers_config

    before = set(containers("testcontainers-ryuk"))
    monkeypatch.setattr(testcontainers_config, "ryuk_disabled", disabled == "true")

    with Broker(make_server()) as broker:
        assert broker.ping()
        assert set(containers("testcontainers-ryuk")) == before

    assert testcontainers_config.ryuk_disabled is (disabled == "true")


@pytest.mark.parametrize("inside", [True, False])
def test_it_is_reached_from_inside_a_container_and_from_outside(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch, inside: bool
) -> None:
    monkeypatch.setattr("testcontainers.core.utils.inside_container", lambda: inside)

    with Broker(make_server()) as broker:
        assert broker.ping()
        assert (broker.host in {"localhost", "127.0.0.1"}) is not inside


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes through Linux' pidfd")
def test_it_does_not_survive_a_killed_run(redis_image: str) -> None:
    command = [sys.executable, "-c", RUN, repr(sys.path), redis_image, "killed"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        guard, url = run.stdout.readline().split()
        watch = os.pidfd_open(int(guard))
        with redis.Redis.from_url(url) as client:
            assert client.ping()
        assert len(containers("celery-perf-killed-broker")) == 1
        run.kill()

    assert select.select([watch], [], [], 60)[0]
    os.close(watch)
    assert containers("celery-perf-killed-broker") == []


def test_the_engine_is_found_with_and_without_the_image(redis_image: str) -> None:
    assert docker_available(redis_image).reason == f"answers and has {redis_image}"
    assert docker_available().available

    missing = docker_available("celery-perf-test/none:none")
    assert not missing.available
    assert missing.reason.startswith("answers, but neither has celery-perf-test/none:none nor can pull it: ")


def test_a_remote_docker_host_is_used(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if not host.startswith("unix://"):
        pytest.skip("DOCKER_HOST is remote: every test of this module was this test")
    with forwarded(host.removeprefix("unix://")) as port:
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{port}")

        with Broker(make_server()) as broker:
            assert broker.ping()
        assert containers() == []


@contextmanager
def forwarded(path: str) -> Iterator[int]:
    """Yield a TCP port behind which a Unix socket answers."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def accept() -> None:
            with suppress(OSError):  # shut down
                while True:
                    near = stack.enter_context(listener.accept()[0])
                    far = stack.enter_context(socket.socket(socket.AF_UNIX))
                    far.connect(path)
                    for source, sink in ((near, far), (far, near)):
                        threading.Thread(target=pump, args=(source, sink), daemon=True).start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        acceptor.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
