"""What one execution has to itself, by the worker's pool: there it can be measured."""

from __future__ import annotations

OWN_PROCESS = frozenset({"prefork", "solo"})
"""The pools on which a process runs one execution at a time."""
OWN_THREAD = OWN_PROCESS | {"threads"}
"""Those on which a thread does."""
ALL = OWN_THREAD | {"gevent"}
"""Those on which an execution is known by its context."""
