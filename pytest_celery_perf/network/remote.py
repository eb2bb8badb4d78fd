"""The proxies as pytest sees them: they run in a process of their own.

In pytest's own process, the garbage collector could run finalisers of others in the proxies' thread. One that talks to
the broker (a result of Celery's, which unsubscribes) would wait there for an answer that only this thread can bring.
"""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterable
from itertools import count, islice
from multiprocessing import Pipe
from typing import Any, Self

from pytest_celery_perf import bare
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.network.call import NEW, Answer, Call
from pytest_celery_perf.network.toxics import Toxic

_PORTS = 64
"""How many are tried."""
_END_S = 5.0
"""For resetting its connections."""


class ProxyProcess:
    """A process for proxies, which ends with pytest, however that ends; use it as a context manager.

    Raises:
        BrokerError: It does not start.
    """

    def __init__(self) -> None:
        self._proxies = count()
        self._calls = count()
        self._turn = threading.Lock()
        self._connection, theirs = Pipe()
        with theirs:
            try:
                self._process = subprocess.Popen(
                    bare.command("pytest_celery_perf.network", str(theirs.fileno()), str(os.getpid())),
                    stdin=subprocess.DEVNULL,
                    cwd="/",
                    env=bare.environment(),
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            except OSError as error:
                self._connection.close()
                raise BrokerError(f"the process of the network's proxies could not be started: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all connections and the process."""
        self._connection.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def proxy(self, server: tuple[str, int], host: str, ports: Iterable[int]) -> RemoteProxy:
        """Make a proxy, which listens.

        Args:
            server: Of the server, host and port.
            host: The address where it listens.
            ports: To try. See `broker.ports` for why they are not left to the system.

        Raises:
            BrokerError: None of the ports can be had.
        """
        number = next(self._proxies)
        self.call(number, NEW, server, host)
        port = self.call(number, "listen", list(islice(ports, _PORTS)))
        return RemoteProxy(self, number, host, port)

    def call(self, proxy: int, method: str, *arguments: Any, **keywords: Any) -> Any:
        """Call a method of a proxy.

        Args:
            proxy: Its number.
            method: Of `network.proxy.Proxy`.
            arguments: The method's.
            keywords: The method's.

        Raises:
            BrokerError: The method does, or the process has ended.
        """
        with self._turn:
            call = Call(number=next(self._calls), proxy=proxy, method=method, arguments=arguments, keywords=keywords)
            try:
                self._connection.send(call)
                answer = self._answer()
                while answer.number != call.number:
                    answer = self._answer()
            except (EOFError, OSError) as error:  # it has closed its end
                status = self._process.wait()
                raise BrokerError(f"the process of the network's proxies has ended (exit status {status})") from error
        if isinstance(answer.value, Exception):
            raise answer.value
        return answer.value

    def _answer(self) -> Answer:
        answer: Answer = self._connection.recv()
        return answer


class RemoteProxy:
    """One proxy of a process; the methods are those of `network.proxy.Proxy`.

    Args:
        process: Where it runs.
        number: Which it is there.
        host: The address where it listens.
        port: The port there.
    """

    def __init__(self, process: ProxyProcess, number: int, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._process = process
        self._number = number

    def listen(self) -> None:
        """Listen where it did before."""
        self._call("listen")

    def refuse(self) -> None:
        """Listen no longer: who connects is refused."""
        self._call("refuse")

    def add(self, toxic: Toxic, direction: str) -> None:
        """Add a toxic: ``upstream`` (from the clients to the server), ``downstream`` or ``both``."""
        self._call("add", toxic, direction)

    def remove(self, toxic: Toxic, direction: str) -> None:
        """Remove what was added."""
        self._call("remove", toxic, direction)

    def end_connections(self, *, reset: bool = False, unaware: tuple[str, ...] = ()) -> int:
        """End those that exist, and return how many there were; others can be made at once."""
        count: int = self._call("end_connections", reset=reset, unaware=unaware)
        return count

    def lay_ghosts(self) -> None:
        """Tell those who still believe in a connection that ended."""
        self._call("lay_ghosts")

    def close(self) -> None:
        """End everything."""
        self._call("close")

    def _call(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        return self._process.call(self._number, method, *arguments, **keywords)
