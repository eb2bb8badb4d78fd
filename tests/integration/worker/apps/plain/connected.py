"""An app whose import opens a socket, which forked workers would share."""

import socket

from plain import app

__all__ = ["app"]

server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())
