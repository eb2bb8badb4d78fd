"""Which place a pytest process has among those that share a broker."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """What a pytest process has for itself, though it shares a broker."""

    broker: str = ""
    """The endpoint of the broker, as `broker.shared.attach` takes it; empty: one of its own."""
    slot: int = 0
    """Which databases of the broker are its own."""
    turns: str = ""
    """The file by which tests that judge times take turns with those of the others; empty: they need not."""
    suffix: str = ""
    """What the names of its test databases end with; empty: whoever else may see to it."""
    config: Mapping[str, object] = field(default_factory=dict)
    """Celery settings that its app alone has, by new-style name."""
    cores: tuple[int, ...] = ()
    """Where its workers run; empty: anywhere."""


ALONE = Seat()
