from __future__ import annotations

import contextlib
import gc
import math
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from unittest.mock import Mock

import pytest

from pytest_celery_perf.broker import ports
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.network.call import NEW, Call
from pytest_celery_perf.network.connection import close
from pytest_celery_perf.network.proxy import HOST
from pytest_celery_perf.network.remote import ProxyProcess
from pytest_celery_perf.network.toxics import Toxic

from .conftest import PATIENCE_S, Wire

QUIET_S = 0.3
"""What has not come by then is taken for held back; were it only slow, a test would pass, not fail."""


def silent(end: socket.socket) -> bool:
    end.settimeout(QUIET_S)
    try:
        end.recv(1)
    except TimeoutError:
        return True
    return False


def hush(wire: Wire) -> Toxic:
    silence = Toxic(latency_s=math.inf)
    wire.proxy.add(silence, "both")
    return silence


def receive(end: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := end.recv(size - len(data))):
        data += more
    return data


def test_bytes_pass_both_ways(wire: Wire) -> None:
    client, server = wire.connect()
    client.sendall(b"ping")
    assert receive(server, 4) == b"ping"
    server.sendall(b"pong")
    assert receive(client, 4) == b"pong"


def test_much_passes_both_ways_at_once(wire: Wire) -> None:
    client, server = wire.connect()
    sent = bytes(range(256)) * 20_000
    senders = [threading.Thread(target=end.sendall, args=(sent,)) for end in (client, server)]
    for sender in senders:
        sender.start()
    received: list[bytes] = []
    other = threading.Thread(target=lambda: received.append(receive(server, len(sent))))
    other.start()
    assert receive(client, len(sent)) == sent
    for thread in (*senders, other):
        thread.join()
    assert received == [sent]


def test_an_end_passes_and_what_the_other_still_says(wire: Wire) -> None:
    client, server = wire.connect()
    client.shutdown(socket.SHUT_WR)
    assert server.recv(1) == b""
    server.sendall(b"last words")
    server.close()
    assert receive(client, 100) == b"last words"


def test_a_reset_passes(wire: Wire) -> None:
    client, server = wire.connect()
    close(client, reset=True)
    with pytest.raises(ConnectionResetError):
        server.recv(1)


def test_who_connects_while_there_is_no_server_is_reset(wire: Wire) -> None:
    wire.server.close()
    with pytest.raises(ConnectionResetError):
        wire.dial().recv(1)


@pytest.mark.parametrize("address", [HOST, "::1"])
def test_a_server_is_found_at_whichever_address_of_its_name_it_listens(process: ProxyProcess, address: str) -> None:
    name = name_of_both_loopbacks()
    family = socket.getaddrinfo(address, None)[0][0]
    with contextlib.closing(Wire(process, socket.create_server((address, 0), family=family), name)) as wire:
        client, server = wire.connect()
        client.sendall(b"found")
        assert receive(server, 5) == b"found"


def name_of_both_loopbacks() -> str:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError as error:
        pytest.skip(f"needs an IPv6 loopback interface: {error}")
    for name in ("localhost", "*"):  # glibc takes the latter for the machine that asks
        with contextlib.suppress(socket.gaierror):
            if {HOST, "::1"} <= {address[0] for *_, address in socket.getaddrinfo(name, 0)}:
                return name
    pytest.skip("needs a name of both 127.0.0.1 and ::1; let /etc/hosts have localhost for both")


def test_connections_can_be_reset_and_made_anew(wire: Wire) -> None:
    ends = [*wire.connect(), *wire.connect()]
    assert wire.proxy.end_connections(reset=True) == 2
    for end in ends:
        with pytest.raises(ConnectionResetError):
            end.recv(1)
    client, server = wire.connect()
    client.sendall(b"again")
    assert receive(server, 5) == b"again"


def test_a_connection_can_be_reset_while_it_is_made(wire: Wire) -> None:
    hush(wire)
    client = wire.dial()
    client.sendall(b"hello?")
    while not wire.proxy.end_connections(reset=True):
        pass
    with pytest.raises(ConnectionResetError):
        client.recv(1)


@pytest.mark.parametrize("unaware", [("client",), ("server",), ("client", "server")])
def test_an_end_may_stay_unaware(wire: Wire, unaware: tuple[str, ...]) -> None:
    ends = dict(zip(("client", "server"), wire.connect(), strict=True))
    ends["client"].sendall(b"hello")
    assert receive(ends["server"], 5) == b"hello"
    wire.proxy.end_connections(unaware=unaware)
    for name, end in ends.items():
        if name in unaware:
            end.sendall(b"are you there?")
            assert silent(end)
        else:
            assert end.recv(1) == b""
    wire.proxy.lay_ghosts()
    for name in unaware:
        with pytest.raises(ConnectionResetError):
            ends[name].recv(1)


def test_connections_are_refused_for_a_while(wire: Wire) -> None:
    client, _ = wire.connect()
    wire.proxy.refuse()
    wire.proxy.end_connections()
    assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        wire.dial()
    port = wire.proxy.port
    wire.proxy.listen()
    assert wire.proxy.port == port
    client, server = wire.connect()
    server.sendall(b"welcome back")
    assert receive(client, 12) == b"welcome back"


def test_nobody_else_gets_a_port_that_refuses(wire: Wire) -> None:
    wire.connect()
    wire.proxy.refuse()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do
        with pytest.raises(OSError, match="in use"):
            other.bind((HOST, wire.proxy.port))
    wire.proxy.end_connections()
    wire.proxy.listen()
    wire.connect()


def test_what_was_said_in_the_silence_arrives_when_it_ends(wire: Wire) -> None:
    client, server = wire.connect()
    silence = hush(wire)
    client.sendall(b"one")
    server.sendall(b"two")
    assert silent(server)
    assert silent(client)
    wire.proxy.remove(silence, "both")
    for end in (client, server):
        end.settimeout(None)
    assert receive(server, 3) == b"one"
    assert receive(client, 3) == b"two"


def test_who_connects_in_the_silence_reaches_nobody(wire: Wire) -> None:
    silence = hush(wire)
    client = wire.dial()
    client.sendall(b"hello?")
    wire.server.settimeout(QUIET_S)
    with pytest.raises(TimeoutError):
        wire.server.accept()
    wire.proxy.remove(silence, "both")
    wire.server.settimeout(None)
    server, _ = wire.server.accept()
    with server:
        assert receive(server, 6) == b"hello?"


def test_an_end_in_the_silence_is_not_heard(wire: Wire) -> None:
    client, server = wire.connect()
    silence = hush(wire)
    client.sendall(b"bye")
    client.close()
    assert silent(server)
    wire.proxy.remove(silence, "both")
    server.settimeout(None)
    assert receive(server, 10) == b"bye"


def test_slices_arrive_apart(wire: Wire) -> None:
    client, server = wire.connect()
    received: list[bytes] = []
    for gap_s in (0.01, 0.1, 1.0, 10.0):
        toxic = Toxic(slice_bytes=2, gap_s=gap_s)
        wire.proxy.add(toxic, "upstream")
        client.sendall(b"abcdefgh")
        received = [server.recv(100)]
        while sum(map(len, received)) < 8:
            received.append(server.recv(100))
        assert b"".join(received) == b"abcdefgh"
        wire.proxy.remove(toxic, "upstream")
        if len(received) > 1:
            break  # else this process may have been so late that all had come
    assert len(received) > 1


def test_closing_resets_whoever_is_connected(process: ProxyProcess) -> None:
    wire = Wire(process, socket.create_server((HOST, 0)))
    client, server = wire.connect()
    wire.proxy.close()
    for end in (client, server):
        with pytest.raises(ConnectionResetError):
            end.recv(1)
    with pytest.raises(ConnectionRefusedError):
        wire.dial()
    wire.close()


def test_a_taken_port_is_passed_over(process: ProxyProcess, wire: Wire) -> None:
    taken = wire.server.getsockname()[1]
    with pytest.raises(BrokerError, match=f"a proxy for {HOST}:{taken} found no free port on {HOST}"):
        process.proxy((HOST, taken), HOST, [taken])
    with contextlib.closing(socket.create_server((HOST, 0))) as other:
        free = other.getsockname()[1]
    assert process.proxy((HOST, taken), HOST, [taken, free]).port == free


def test_a_finaliser_that_waits_for_the_server(wire: Wire) -> None:
    """Celery's results talk to the broker when they are collected as garbage, in whichever thread that is."""
    client, server = wire.connect()

    class Result:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            client.sendall(b"unsubscribe")
            heard.append(receive(client, 2))

    def answer() -> None:
        while asked := server.recv(11):
            server.sendall(b"ok" if asked == b"unsubscribe" else b"?")

    heard: list[bytes] = []
    answering = threading.Thread(target=answer)
    answering.start()
    threshold = gc.get_threshold()
    try:
        Result()
        gc.set_threshold(1)  # in whichever thread allocates next
        for _ in range(20):
            wire.connect()
    finally:
        gc.set_threshold(*threshold)
    client.close()
    answering.join()
    assert heard == [b"ok"]


def test_without_its_process_a_proxy_says_so(process: ProxyProcess) -> None:
    proxy = process.proxy((HOST, 1), HOST, ports.candidates())
    os.kill(process.pid, signal.SIGKILL)
    with pytest.raises(BrokerError, match=r"the process of the network's proxies has ended \(exit status -9\)"):
        proxy.refuse()


def test_the_answer_to_a_call_that_was_interrupted_is_not_taken_for_another(
    wire: Wire, process: ProxyProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire.connect()
    with monkeypatch.context() as patched:
        patched.setattr(process, "_answer", Mock(side_effect=KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            wire.proxy.refuse()
    assert wire.proxy.end_connections() == 1


def test_nobody_is_left_to_hear_an_answer(process: ProxyProcess) -> None:
    os.kill(process.pid, signal.SIGSTOP)
    process._connection.send(Call(number=0, proxy=0, method=NEW, arguments=((HOST, 1), HOST)))
    process._connection.close()
    os.kill(process.pid, signal.SIGCONT)
    assert process._process.wait(PATIENCE_S) == 0


STARTS_ONE = """
import os, signal
from pytest_celery_perf.network.remote import ProxyProcess
process = ProxyProcess()
if os.fork():
    print(process.pid, flush=True)
signal.pause()
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches processes through Linux' pidfd")
def test_the_process_ends_with_pytest() -> None:
    """Also when another process, forked from pytest, holds pytest's end of the connection open."""
    command = [sys.executable, "-c", STARTS_ONE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as run:
        assert run.stdout is not None
        try:
            proxies = os.pidfd_open(int(run.stdout.readline()))
            run.kill()
            ended, _, _ = select.select([proxies], [], [], PATIENCE_S)
            os.close(proxies)
            assert ended
        finally:
            os.killpg(run.pid, signal.SIGKILL)
