from __future__ import annotations

import contextlib
import math
import socket
import threading

import pytest

from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.network.connection import close
from pytest_celery_perf.network.proxy import HOST, Loop, Proxy
from pytest_celery_perf.network.toxics import Toxic

from .conftest import Wire

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
    for direction in (wire.proxy.up, wire.proxy.down):
        wire.loop.call(direction.add, silence)
    return silence


def lift(wire: Wire, silence: Toxic) -> None:
    for direction in (wire.proxy.up, wire.proxy.down):
        wire.loop.call(direction.remove, silence)


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


def test_connections_can_be_reset_and_made_anew(wire: Wire) -> None:
    ends = [*wire.connect(), *wire.connect()]
    assert wire.loop.run(wire.proxy.end_connections(reset=True)) == 2
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
    while not wire.loop.run(wire.proxy.end_connections(reset=True)):
        pass
    with pytest.raises(ConnectionResetError):
        client.recv(1)


@pytest.mark.parametrize("unaware", [("client",), ("server",), ("client", "server")])
def test_an_end_may_stay_unaware(wire: Wire, unaware: tuple[str, ...]) -> None:
    ends = dict(zip(("client", "server"), wire.connect(), strict=True))
    ends["client"].sendall(b"hello")
    assert receive(ends["server"], 5) == b"hello"
    wire.loop.run(wire.proxy.end_connections(unaware=unaware))
    for name, end in ends.items():
        if name in unaware:
            end.sendall(b"are you there?")
            assert silent(end)
        else:
            assert end.recv(1) == b""
    wire.loop.call(wire.proxy.lay_ghosts)
    for name in unaware:
        with pytest.raises(ConnectionResetError):
            ends[name].recv(1)


def test_connections_are_refused_for_a_while(wire: Wire) -> None:
    client, _ = wire.connect()
    wire.loop.run(wire.proxy.refuse())
    wire.loop.run(wire.proxy.end_connections())
    assert client.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        wire.dial()
    port = wire.proxy.port
    wire.loop.run(wire.proxy.listen())
    assert wire.proxy.port == port
    client, server = wire.connect()
    server.sendall(b"welcome back")
    assert receive(client, 12) == b"welcome back"


def test_what_was_said_in_the_silence_arrives_when_it_ends(wire: Wire) -> None:
    client, server = wire.connect()
    silence = hush(wire)
    client.sendall(b"one")
    server.sendall(b"two")
    assert silent(server)
    assert silent(client)
    lift(wire, silence)
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
    lift(wire, silence)
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
    lift(wire, silence)
    server.settimeout(None)
    assert receive(server, 10) == b"bye"


def test_slices_arrive_apart(wire: Wire) -> None:
    client, server = wire.connect()
    wire.loop.call(wire.proxy.up.add, Toxic(slice_bytes=2, gap_s=0.01))
    client.sendall(b"abcdefgh")
    received = [server.recv(100)]
    while sum(map(len, received)) < 8:
        received.append(server.recv(100))
    assert b"".join(received) == b"abcdefgh"
    assert len(received) > 1


def test_closing_resets_whoever_is_connected(loop: Loop) -> None:
    wire = Wire(loop)
    client, server = wire.connect()
    loop.run(wire.proxy.close())
    for end in (client, server):
        with pytest.raises(ConnectionResetError):
            end.recv(1)
    with pytest.raises(ConnectionRefusedError):
        wire.dial()
    wire.close()


def test_a_taken_port_is_passed_over(loop: Loop, wire: Wire) -> None:
    taken = wire.server.getsockname()[1]
    proxy = Proxy((HOST, taken))
    with pytest.raises(BrokerError, match=f"a proxy for {HOST}:{taken} found no free port on {HOST}"):
        loop.run(proxy.listen([taken]))
    with contextlib.closing(socket.create_server((HOST, 0))) as other:
        free = other.getsockname()[1]
    loop.run(proxy.listen([taken, free]))
    assert proxy.port == free
    loop.run(proxy.close())
