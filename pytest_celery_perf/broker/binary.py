"""Server binaries on this machine: which there are and whether they are new enough."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from pytest_celery_perf.broker import embedded
from pytest_celery_perf.errors import BrokerError

OLDEST = (6, 2)
"""The oldest server that redis-py and kombu still speak with."""

_NAMES = ("valkey-server", "redis-server")
_VERSION = re.compile(r"\bv=(\d+)\.(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """A server binary that can be used."""

    path: Path
    version: tuple[int, ...]

    @property
    def description(self) -> str:
        """Path and version, for people."""
        return f"{self.path} {'.'.join(map(str, self.version))}"


def examine(path: Path) -> Binary:
    """Ask a binary for its version.

    Raises:
        BrokerError: It does not run here, or is too old.
    """
    try:
        done = subprocess.run([str(path), "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"{path} does not run on this machine: {error}") from error
    match = _VERSION.search(done.stdout)
    if not match:
        raise BrokerError(
            f"{path} --version says {(done.stdout + done.stderr).strip()!r}: not a Redis or Valkey server"
        )
    binary = Binary(path=path, version=tuple(int(part) for part in match.groups()))
    if binary.version < OLDEST:
        raise BrokerError(f"{binary.description} is too old: {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return binary


def find() -> tuple[Binary | None, list[str]]:
    """Look for a binary: ``valkey-server`` on the PATH, ``redis-server`` on the PATH, the embedded one.

    Returns:
        The first that can be used, and why those before it (or all) cannot.
    """
    reasons: list[str] = []
    for name in _NAMES:
        if found := shutil.which(name):
            try:
                return examine(Path(found)), reasons
            except BrokerError as error:
                reasons.append(str(error))
    if not reasons:
        reasons.append(f"no {' or '.join(_NAMES)} on the PATH")
    if path := embedded.locate():
        try:
            return examine(path), reasons
        except BrokerError as error:
            reasons.append(str(error))
    else:
        reasons.append(f"{embedded.PACKAGE} is not installed")
    return None, reasons
