"""How the servers that we start are set up, whatever runs them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

DATABASES = 1024
"""More than there will be xdist workers; an empty one costs a few hundred bytes."""

APPEND_ONLY_DIRECTORY = "appendonlydir"
"""Where a server keeps its append-only files, in its working directory.

Source: ``appenddirname`` in redis.conf, since Redis 7.0
"""
APPEND_ONLY_FILE = "appendonly.aof"
"""What an older server, the only one without that directory, keeps there instead.

Source: ``appendfilename`` in redis.conf of Redis 6.2; a newer one that finds the file, and no directory, reads it too.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """What a Redis or Valkey server is told on its standard input, where no process list shows it."""

    append_only: bool = False
    """Whether what was acknowledged survives a kill: every write is on disk before it is answered."""
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)

    def text(self, *listen: str) -> str:
        """Return the configuration file.

        Args:
            listen: Directives which say where to listen.
        """
        return "\n".join(
            [
                *listen,
                f"requirepass {self.password}",
                f"databases {DATABASES}",
                'save ""',
                f"appendonly {'yes' if self.append_only else 'no'}",
                "appendfsync always",
                "maxmemory-policy noeviction",
                "daemonize no",
                "",
            ]
        )

    def url(self, host: str, port: int) -> str:
        """Return the URL of database 0."""
        return f"redis://:{self.password}@{host}:{port}/0"
