"""Executions that only remember what they are told."""

from __future__ import annotations

from typing import Any


class Touches:
    """Touch points."""

    def __init__(self) -> None:
        self.points: list[tuple[str, str]] = []

    def reach(self, kind: str, label: str = "") -> None:
        self.points.append((kind, label))

    def answered(self) -> None:
        self.points.append(("answered", ""))

    def publish(self, headers: dict[str, Any], routing_key: str) -> None:
        self.points.append(("publish", f"{headers.get('task')} to {routing_key}"))


class Attempt:
    """An execution.

    Args:
        touches: Its touch points, if its message asks for them.
        readings: What it is measured with.
    """

    def __init__(self, touches: Touches | None = None, **readings: Any) -> None:
        self.touches = touches
        self.hosts: dict[str, str] = {}
        self.counters: dict[str, Any] = {}
        self._readings = readings

    def reading(self, instrument: str) -> Any:
        return self._readings.get(instrument)
