"""A Docker engine that tells of an image, and breaks off when it is asked for it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from typing_extensions import override

_ANSWERS = {
    "GET /_ping": (200, {}),
    "HEAD /_ping": (200, {}),
    "GET /version": (200, {"Version": "28.0.0", "ApiVersion": "1.44", "MinAPIVersion": "1.24"}),
    "GET /distribution/shop:1/json": (200, {"Descriptor": {}, "Platforms": []}),
    "GET /info": (200, {"OperatingSystem": "Debian", "SecurityOptions": []}),
}


class _Engine(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    streams = False
    """Whether it begins to answer what it breaks off."""

    def answer(self) -> None:
        _, *words = self.path.partition("?")[0].split("/")
        wanted = "/".join(words[1:] if words[0].startswith("v1.") else words)
        if wanted in {"images/create", "build"}:
            self._break_off()
            return
        status, told = _ANSWERS.get(f"{self.command} /{wanted}", (404, {"message": f"No such image: {wanted}"}))
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else body)

    do_GET = do_HEAD = do_POST = answer  # noqa: N815 - the names that are called

    @override
    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _break_off(self) -> None:
        if self.streams:
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b'1c\r\n{"status":"Pulling layers"}\r\n')
        self.close_connection = True


@contextmanager
def breaking_off(*, streams: bool) -> Iterator[str]:
    """Run an engine that has no image, can pull ``shop:1``, and hangs up when it shall pull or build.

    Args:
        streams: Whether it first tells of its progress.

    Yields:
        Its address, as DOCKER_HOST takes it.
    """
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Engine", (_Engine,), {"streams": streams})) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
