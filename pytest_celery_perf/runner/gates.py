"""Where held executions wait, each until somebody lets it go on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from pytest_celery_perf.probe.faults import gate_path
from pytest_celery_perf.probe.orders import AGAIN, AWAITED, FaultOrder

HOLDING = ("hold", "outage", *AGAIN)
"""The faults at which an execution waits."""


class Gates:
    """The gates of one test: FIFOs at which its executions wait.

    Args:
        directory: See `probe.faults.directory_beside`.
        token: The test.
    """

    def __init__(self, directory: str, token: str) -> None:
        self._directory = directory
        self._token = token
        self._built: set[Path] = set()
        self._opened: dict[Path, int] = {}

    def build(self, orders: Iterable[FaultOrder]) -> None:
        """Build the gates of those orders that hold an execution, before any can come to one."""
        for order in orders:
            if order.do in HOLDING or order.do.startswith(AWAITED):
                for each in order.strikes:
                    gate = self._path(each.key)
                    os.mkfifo(gate, 0o600)
                    # Who waits there reads, and the image of a container may have another user. Others of this machine
                    # do not get through the folder of the run. The umask narrows what mkfifo gives.
                    gate.chmod(0o644)
                    self._built.add(gate)

    def open(self, key: str) -> None:
        """Let go on who waits at a gate now, or comes to it later.

        Args:
            key: That of the order.
        """
        gate = self._path(key)
        if gate not in self._opened:
            # For writing and reading, and kept: whoever is about to wait there goes on as well.
            self._opened[gate] = os.open(gate, os.O_RDWR | os.O_CLOEXEC)

    def close(self) -> None:
        """Let everybody go on, and remove the gates."""
        for gate in self._built - self._opened.keys():
            self._opened[gate] = os.open(gate, os.O_RDWR | os.O_CLOEXEC)
        for gate, descriptor in self._opened.items():
            # In this order: who found it when its other end has gone would wait for ever.
            gate.unlink()
            os.close(descriptor)
        self._opened.clear()
        self._built.clear()

    def _path(self, key: str) -> Path:
        return Path(gate_path(self._directory, self._token, key))
