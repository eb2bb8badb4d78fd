"""The guard process: it listens to pytest, and cleans up when pytest has ended.

Started as ``python -m pytest_celery_perf.guard <pid of pytest> <mark>``; it reads lines from standard
input, ``+`` or ``-`` and a resource, until ``quit``, the end of the pipe or the end of pytest.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
from collections.abc import Iterator

from pytest_celery_perf.guard.processes import kill_groups
from pytest_celery_perf.guard.resources import Resource, load, turn

_LOOK_S = 1.0


def main(parent: int, mark: str) -> None:
    """Keep the list until pytest has ended, then remove what is on it."""
    resources: dict[Resource, None] = {}
    for line in _lines(parent):
        if line.startswith("+"):
            resources[load(line[1:])] = None
        elif line.startswith("-"):
            resources.pop(load(line[1:]), None)
        else:
            break
    _clean(list(resources), mark)


def _clean(resources: list[Resource], mark: str) -> None:
    kill_groups([], mark)
    for resource in sorted(resources, key=turn):
        try:
            resource.remove()
        except Exception as error:  # noqa: BLE001 - the others must be removed all the same
            with contextlib.suppress(BrokenPipeError):  # nobody listens if pytest was killed
                sys.stdout.write(f"could not remove {resource}: {type(error).__name__}: {error}\n")
                sys.stdout.flush()


def _lines(parent: int) -> Iterator[str]:
    """Yield the complete lines on standard input until it or the parent ends.

    A process forked from pytest may hold the other end of the pipe open, so its end alone does
    not tell that pytest has ended. A line torn by pytest's death was never a promise.
    """
    watched = [sys.stdin.fileno(), *_watch(parent)]
    buffer = b""
    while True:
        ready, _, _ = select.select(watched, [], [], _LOOK_S)
        if watched[0] in ready:
            data = os.read(watched[0], 65536)
            if not data:
                return
            *lines, buffer = (buffer + data).split(b"\n")
            yield from (line.decode() for line in lines)
        elif ready or os.getppid() != parent:
            return


def _watch(pid: int) -> list[int]:
    """Return a descriptor that is readable once the process has ended, where the platform has such."""
    if not hasattr(os, "pidfd_open"):
        return []
    try:
        return [os.pidfd_open(pid)]
    except OSError:  # it has ended, which its parent tells as well, or the kernel is too old
        return []


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
    os._exit(0)  # pytest waits for it, and there is nothing to take apart
