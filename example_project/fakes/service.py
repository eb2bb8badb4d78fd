"""Stands for a service of others: answers at once and always the same, fails and stalls when told to.

In tests it runs in a thread of pytest. Run alone (`serve`), it is steered over HTTP: ``POST /fail {"times": 2}``,
``POST /hold``, ``POST /release``, ``POST /reset`` and ``GET /calls``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Condition, Event, Thread
from time import sleep
from typing import Any, ClassVar, Self
from uuid import uuid4

Answer = Callable[[dict[str, Any]], dict[str, Any]]


class FakeService(ThreadingHTTPServer):
    """A service in a thread of this process: ``with FakeService(ANSWERS) as service: … service.url …``.

    Args:
        answers: What it says to the questions at each path.
        port: 0 is any free one.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, answers: Mapping[str, Answer], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.delay_s = 0.0
        """How long each answer takes."""
        self.most_at_once = 0
        """How many questions were being answered at the same time, at most."""
        self.answers = answers
        self._lock = Condition()
        self._calls: Counter[str] = Counter()
        self._billed: set[tuple[str, str]] = set()
        self._at_once = 0
        self._failures = 0
        self._open = Event()
        self._open.set()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def calls(self) -> dict[str, int]:
        """How often each question came, failures included."""
        with self._lock:
            return dict(self._calls)

    @property
    def bills(self) -> dict[str, int]:
        """How often each question was billed: once for each key, by which a caller says that it is the same one."""
        with self._lock:
            return dict(Counter(path for path, _ in self._billed))

    def fail(self, times: int) -> None:
        """Answer the next questions with status 503."""
        with self._lock:
            self._failures = times

    def hold(self) -> None:
        """Let every question wait until `release`."""
        self._open.clear()

    def release(self) -> None:
        """Answer those that wait, and all that follow."""
        self._open.set()

    def wait_for(self, at_once: int, timeout_s: float = 60.0) -> None:
        """Wait until so many questions are being answered at the same time.

        Args:
            at_once: How many.
            timeout_s: For how long.

        Raises:
            TimeoutError: There are fewer.
        """
        with self._lock:
            if not self._lock.wait_for(lambda: self._at_once >= at_once, timeout_s):
                raise TimeoutError(f"{self._at_once} questions at once, not {at_once}, after {timeout_s:g} s")

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._calls.clear()
            self._billed.clear()
            self._failures = 0
            self.most_at_once = 0
        self.delay_s = 0.0
        self.release()

    def answer(self, path: str, question: dict[str, Any], key: str) -> tuple[int, dict[str, Any]]:
        """Answer one question.

        Args:
            path: Which one.
            question: Its details.
            key: Of the request.

        Returns:
            The status and the body.
        """
        with self._lock:
            self._calls[path] += 1
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            self._lock.notify_all()
            failing = self._failures > 0
            self._failures -= failing
        self._open.wait()
        sleep(self.delay_s)
        with self._lock:
            self._at_once -= 1
            if not failing:
                self._billed.add((path, key))
        return (503, {"error": "overloaded"}) if failing else (200, self.answers[path](question))

    def __enter__(self) -> Self:
        Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, name="fake-service", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: FakeService

    def do_GET(self) -> None:
        if self.path == "/calls":
            self._send(200, self.server.calls)
        else:
            self._send(404, {"error": "unknown"})

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        if self.path in self.server.answers:
            key = self.headers.get("Idempotency-Key") or uuid4().hex
            self._send(*self.server.answer(self.path, said, key))
        elif self.path in self._controls:
            self._controls[self.path](self.server, said)
            self._send(200, {})
        else:
            self._send(404, {"error": "unknown"})

    _controls: ClassVar[dict[str, Callable[[FakeService, dict[str, Any]], None]]] = {
        "/fail": lambda server, said: server.fail(said["times"]),
        "/hold": lambda server, _: server.hold(),
        "/release": lambda server, _: server.release(),
        "/reset": lambda server, _: server.reset(),
    }

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        with suppress(ConnectionError):  # who asked may be gone: killed by a test
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the library's
        """Keep the terminal quiet."""


def serve(make: Callable[[int], FakeService], description: str, port: int) -> None:
    """Run a service alone until it is interrupted.

    Args:
        make: Makes the service, at a port.
        description: Of the command, for its help.
        port: Where, unless the command line says otherwise.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=port)
    with make(parser.parse_args().port) as server:
        sys.stdout.write(f"listening on {server.url}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            Event().wait()
