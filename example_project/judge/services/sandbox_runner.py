"""The program inside the sandbox: a script, started by `judge.services.sandbox` with ``python -I -S``.

It reads one request (JSON) from standard input, runs every case in a fork of its own and writes
``[[output, error], …]`` to standard output. What holds the code back:

- network: an empty network namespace where the kernel grants one (as root, or by a user namespace);
  elsewhere an audit hook that refuses sockets and ctypes: good against mistakes, not against an expert;
- time: CPU and, for what does not compute, wall clock; memory: address space; files: none can be written;
  processes: none can be started (the kernel exempts root from that last limit: do not run workers as root);
- environment: empty; working directory: empty and temporary; standard error: read, never shown.

What it does not do: hide files that the worker's user may read. Production adds a container for that.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import json
import math
import os
import resource
import select
import signal
import sys
import time
import traceback
from types import CodeType
from typing import Any

CLONE_NEWUSER = 0x10000000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
TIME_LIMIT = "time limit exceeded"
LIBC = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Answer the one request."""
    request = json.load(sys.stdin)
    die_with_parent()
    adopt_orphans()
    isolated = leave_network()
    try:
        program = compile(request["code"], "<submission>", "exec")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is the submission's result
        results = [("", last_line(error))] * len(request["inputs"])
    else:
        case = Case(program, request, isolated=isolated)
        results = [case.run(text) for text in request["inputs"]]
    json.dump(results, sys.stdout)


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that started it is gone (Linux)."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of what a case leaves behind, so that it can be waited for (Linux)."""
    if sys.platform == "linux":
        LIBC.prctl(PR_SET_CHILD_SUBREAPER, 1)


def leave_network() -> bool:
    """Move to a network namespace that holds no interface; return whether the kernel let us."""
    if sys.platform != "linux":
        return False
    return any(LIBC.unshare(flags) == 0 for flags in (CLONE_NEWNET, CLONE_NEWUSER | CLONE_NEWNET))


class Case:
    """Runs a program, each time in a process of its own.

    Args:
        program: The program.
        request: Its limits.
        isolated: Whether this process has no network.
    """

    def __init__(self, program: CodeType, request: dict[str, Any], *, isolated: bool) -> None:
        self.program = program
        self.seconds: float = request["seconds"]
        self.wall_seconds: float = request["wall_seconds"]
        self.memory_bytes: int = request["memory_bytes"]
        self.output_bytes: int = request["output_bytes"]
        self.isolated = isolated

    def run(self, text: str) -> tuple[str, str]:
        """Run it with one input; return its output and its error."""
        out, out_end = os.pipe()
        err, err_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            self.become(text, out_end, err_end)
        with contextlib.suppress(OSError):  # the child does it too: whoever is first
            os.setpgid(pid, pid)
        os.close(out_end)
        os.close(err_end)
        received, broken_limit = drain((out, err), self.output_bytes, time.monotonic() + self.wall_seconds)
        status = end_group(pid)
        os.close(out)
        os.close(err)
        output, errors = (received[end].decode("utf-8", "replace") for end in (out, err))
        return output, broken_limit or explain(status, errors)

    def become(self, text: str, out: int, err: int) -> None:
        """Turn this fork into the program; it never returns."""
        code = 1
        try:
            self.confine(text, out, err)
            exec(self.program, {"__name__": "__main__"})  # noqa: S102 - its purpose
            code = 0
        except SystemExit as leaving:
            code = 0 if leaving.code in (None, 0) else 1
            if code:
                os.write(2, f"exit status {leaving.code}".encode())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the submission's result
            os.write(2, last_line(error).encode("utf-8", "replace"))
        finally:
            with contextlib.suppress(BaseException):  # whatever the code did to it: this fork must end here
                sys.stdout.flush()
            os._exit(code)

    def confine(self, text: str, out: int, err: int) -> None:
        """Leave this fork nothing but its input, its output and its limits."""
        os.setpgid(0, 0)
        die_with_parent()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, 256)
        sys.stdin = io.StringIO(text)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - lives as long as the process
        limit(self.seconds, self.memory_bytes)
        if not self.isolated:
            sys.addaudithook(refuse_network)


def drain(ends: tuple[int, int], limit: int, deadline: float) -> tuple[dict[int, bytearray], str]:
    """Read both pipes until they are closed; return what came, and which limit it broke if it did."""
    received = {end: bytearray() for end in ends}
    waiting = list(ends)
    while waiting:
        ready, _, _ = select.select(waiting, [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return received, TIME_LIMIT
        for end in ready:
            chunk = os.read(end, 65536)
            received[end] += chunk
            if len(received[end]) > limit:
                return received, "output limit exceeded"
            if not chunk:
                waiting.remove(end)
    return received, ""


def end_group(pid: int) -> int:
    """End a case and what it has started; return the case's own wait status."""
    with contextlib.suppress(ProcessLookupError):  # it has moved itself to another group
        os.killpg(pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-pid, 0)
    return status


def explain(status: int, errors: str) -> str:
    """Say in one line why a case ended; nothing if it ended well."""
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return TIME_LIMIT
    if os.WIFSIGNALED(status) and not errors:
        return f"killed by {signal.Signals(os.WTERMSIG(status)).name}"
    return errors.strip().rpartition("\n")[2]


def last_line(error: BaseException) -> str:
    """Return what a traceback ends with."""
    return traceback.format_exception_only(error)[-1].strip()


def limit(seconds: float, memory_bytes: int) -> None:
    """Set what the kernel enforces for this process."""
    cpu = math.ceil(seconds)
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))  # SIGXCPU; a second later SIGKILL, if it goes on
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def refuse_network(event: str, _: tuple[object, ...]) -> None:
    """Audit hook: no sockets, and no way around by calling C."""
    if event.startswith(("socket.", "ctypes.")):
        raise PermissionError(f"{event}: the sandbox has no network")


if __name__ == "__main__":
    main()
