"""Runs code that a stranger wrote, in a process that can do little and not for long.

One process a call: it gives up the network, limits itself, and then forks once for every test
case (a millisecond, where starting Python costs twenty), so that no case sees another one's traces.
`judge/services/sandbox_runner.py` is what runs in there and lists what it can and cannot hold back.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

RUNNER = Path(__file__).with_name("sandbox_runner.py")
LANGUAGES = ("python",)
STARTUP_S = 10.0
"""What the process may take beside the time of its cases, on a machine that is busy."""


class UnsupportedLanguageError(ValueError):
    """There is no sandbox for that language: another attempt would not help."""


class SandboxError(RuntimeError):
    """The sandbox itself failed, not the code in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one test case may use."""

    seconds: float = 2.0
    """CPU time; the kernel counts whole seconds."""
    wall_seconds: float = 30.0
    """Time by the clock, for what waits instead of computing: far more, since others may have the cores."""
    memory_bytes: int = 256 << 20
    output_bytes: int = 64 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What the code did with one input."""

    output: str
    error: str = ""
    """The last line of the traceback, the limit it broke or the signal; empty if all went well."""

    @property
    def ok(self) -> bool:
        """Whether the code ended by itself and without an exception."""
        return not self.error


def run(
    code: str, inputs: Sequence[str], *, language: str = "python", limits: Limits | None = None
) -> list[CaseResult]:
    """Run a program once for each input.

    Args:
        code: The program.
        inputs: What it reads from standard input, a text for each run.
        language: One of `LANGUAGES`.
        limits: Of each run.

    Returns:
        A result for each input, in the same order.

    Raises:
        UnsupportedLanguageError: No sandbox speaks that language.
        SandboxError: The sandbox did not answer.
    """
    if language not in LANGUAGES:
        raise UnsupportedLanguageError(f"language {language!r}: the sandbox runs {', '.join(LANGUAGES)}")
    if not inputs:
        return []
    limits = limits or Limits()
    request = {
        "code": code,
        "inputs": list(inputs),
        "seconds": limits.seconds,
        "wall_seconds": limits.wall_seconds,
        "memory_bytes": limits.memory_bytes,
        "output_bytes": limits.output_bytes,
    }
    answer = _ask(json.dumps(request), timeout_s=STARTUP_S + limits.wall_seconds * len(inputs))
    return [CaseResult(output=output, error=error) for output, error in answer]


def _ask(request: str, *, timeout_s: float) -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory(prefix="judge-") as folder:
        try:
            process = subprocess.run(
                [sys.executable, "-I", "-S", str(RUNNER)],
                input=request,
                capture_output=True,
                text=True,
                encoding="utf-8",
                cwd=folder,
                env={},
                timeout=timeout_s,
                start_new_session=True,
                check=True,
            )
            return [(output, error) for output, error in json.loads(process.stdout)]
        except subprocess.TimeoutExpired as error:
            raise SandboxError(f"the sandbox did not answer within {timeout_s:.0f} s") from error
        except (subprocess.CalledProcessError, ValueError) as error:
            said = getattr(error, "stderr", None) or str(error)
            raise SandboxError(f"the sandbox broke: {said.strip()[-500:]}") from error
