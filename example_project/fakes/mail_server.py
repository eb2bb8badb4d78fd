"""Stands for the mail server: a real SMTP server in a thread of this process, which keeps what it is sent."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.message import Message
from threading import Lock, Thread
from typing import Self

from aiosmtpd.smtp import SMTP, Envelope, Session


class MailServer:
    """The server: ``with MailServer() as mail: … mail.port … mail.messages``."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # Not aiosmtpd's Controller: that needs to know its port before it has one.
        listening = self._loop.create_server(lambda: SMTP(self, loop=self._loop), "127.0.0.1", 0, backlog=256)
        self._server = self._loop.run_until_complete(listening)
        self._thread = Thread(target=self._loop.run_forever, name="mail-server", daemon=True)
        self._lock = Lock()
        self._messages: list[Message] = []
        self._connections = 0
        self._failures = 0
        self.delay_s = 0.0
        """How long it takes to accept a message."""

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def messages(self) -> tuple[Message, ...]:
        """What it has accepted, in that order."""
        with self._lock:
            return tuple(self._messages)

    @property
    def connections(self) -> int:
        """How often somebody greeted it."""
        with self._lock:
            return self._connections

    def fail(self, times: int) -> None:
        """Answer the next messages with "try again later"."""
        with self._lock:
            self._failures = times

    def reset(self) -> None:
        """Forget everything."""
        with self._lock:
            self._messages.clear()
            self._connections = self._failures = 0
        self.delay_s = 0.0

    # aiosmtpd looks for these names.

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Count who comes."""
        with self._lock:
            self._connections += 1
        session.host_name = hostname
        return responses

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept a message, or not now."""
        await asyncio.sleep(self.delay_s)
        with self._lock:
            if self._failures:
                self._failures -= 1
                return "451 try again later"
            self._messages.append(message_from_bytes(bytes(envelope.content or b"")))
        return "250 OK"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._server.close()
        self._loop.close()
