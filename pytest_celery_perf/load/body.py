"""Writes the part of a message that depends on its task's arguments, as the app wrote that of another one."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any


class Body:
    """How an app writes arguments: its serialiser, its compression, its encoding, and how it prints them.

    Args:
        message: A message of the app, decoded from JSON.
        app: The app.

    Raises:
        LookupError: The app's serialiser is not known in this process.

    Source:
        Celery's message protocol 2; ``kombu.messaging.Producer._prepare``, ``celery.app.amqp.AMQP.as_task_v2``.
    """

    def __init__(self, message: Mapping[str, Any], app: Any) -> None:
        from kombu import serialization

        kombu: Any = serialization
        self._serializer = kombu.registry.type_to_name[message["content-type"]]
        self._compression = message["headers"].get("compression")
        self._encoding = message["properties"].get("body_encoding")
        self._amqp = app.amqp
        self._levels = {} if (levels := app.conf.get("task_repr_maxlevels")) is None else {"maxlevels": levels}
        _, _, self._embed = self._read(message)

    def write(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, str]:
        """Return the parts of a message that its arguments decide, as JSON.

        Args:
            args: Positional arguments.
            kwargs: Keyword arguments.
        """
        from celery.utils.saferepr import saferepr

        return {
            "body": json.dumps(self._written(args, kwargs)),
            "argsrepr": json.dumps(saferepr(args, self._amqp.argsrepr_maxsize, **self._levels)),
            "kwargsrepr": json.dumps(saferepr(dict(kwargs), self._amqp.kwargsrepr_maxsize, **self._levels)),
        }

    def wrote(self, message: Mapping[str, Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Tell whether a message of the app is what `write` makes of its arguments."""
        headers = message["headers"]
        app = {"body": message["body"], "argsrepr": headers["argsrepr"], "kwargsrepr": headers["kwargsrepr"]}
        return self.write(args, kwargs) == {name: json.dumps(text) for name, text in app.items()}

    def follows(self, message: Mapping[str, Any]) -> bool:
        """Tell whether in a message of the app the same follows the arguments: links, errbacks, the rest of a chain."""
        return bool(self._read(message)[2] == self._embed)

    def _written(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        from kombu.compression import compress
        from kombu.serialization import dumps

        data: Any = dumps((args, dict(kwargs), self._embed), serializer=self._serializer)[2]
        if self._compression:
            data = compress(data, self._compression)[0]
        raw = data if isinstance(data, bytes) else data.encode()
        return base64.b64encode(raw).decode() if self._encoding == "base64" else raw.decode()

    def _read(self, message: Mapping[str, Any]) -> Any:
        from kombu.compression import decompress
        from kombu.serialization import loads

        raw = message["body"].encode()
        if self._encoding == "base64":
            raw = base64.b64decode(raw)
        if self._compression:
            raw = decompress(raw, self._compression)
        content_type = message["content-type"]
        return loads(raw, content_type, message["content-encoding"], accept=[content_type])
