"""The bond between a worker and the process that launched it; what it would leave behind when it is killed."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence

PARENT_VARIABLE = "CELERY_PERF_PARENT"
"""Names the process with which a launched one must die."""

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def tether() -> dict[str, str]:
    """Return variables for a process that shall die with this one, by `die_with_launcher`.

    None from any thread but the main one, as the kernel watches the *thread* that starts a process:
    then only the guard stands behind it.
    """
    return {PARENT_VARIABLE: str(os.getpid())} if threading.current_thread() is threading.main_thread() else {}


def die_with(parent: int) -> None:
    """Let the kernel kill this process as soon as its parent is gone, however it went.

    Args:
        parent: The process id that the parent had when it started this process.

    Source:
        prctl(2), PR_SET_PDEATHSIG. Elsewhere than on Linux the guard alone does it.
    """
    if sys.platform != "linux":
        return
    import ctypes

    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the kernel was told
        os.kill(os.getpid(), signal.SIGKILL)


def die_with_launcher() -> None:
    """Apply `die_with` if the environment names a parent, and take the name out of it."""
    parent = os.environ.pop(PARENT_VARIABLE, None)
    if parent is not None:
        die_with(int(parent))


def memory_beside(doorbell: str) -> str:
    """Return the directory of shared memory's files, which goes with the run's directory."""
    return os.path.join(os.path.dirname(doorbell), "memory")


def keep_memory_in(directory: str) -> None:
    """Have this process and its children make the files of their shared memory in a directory.

    Otherwise each worker makes one of its own in the temporary directory, and only removes it if it is not killed.

    Args:
        directory: Left alone if it cannot be written, as in a container, which takes its own along when it goes.

    Source:
        ``multiprocessing.util.get_temp_dir``, which billiard uses for each prefork child's lock.
    """
    from multiprocessing import process

    if os.access(directory, os.W_OK):
        config: dict[str, object] = vars(process.current_process())["_config"]
        config["tempdir"] = directory


def run_on(cores: Sequence[int]) -> str:
    """Have this process and its children run on some cores only.

    Returns:
        Why they cannot; empty if they do, if there are none to choose, and where the platform leaves no choice.
    """
    if not cores or not hasattr(os, "sched_setaffinity"):
        return ""
    try:
        os.sched_setaffinity(0, cores)
    except OSError as error:
        return f"cannot run on the cores {', '.join(map(str, cores))} alone: {error}"
    return ""
