"""Makes the end of a worker something that a selector can wait for."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

_POLL_S = 0.01


class ExitWatch:
    """A descriptor that becomes readable once something has ended.

    Args:
        fd: The descriptor; it is closed by `close`.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._open = True

    @classmethod
    def of_process(cls, pid: int, has_ended: Callable[[], bool]) -> ExitWatch:
        """Watch a process of this machine.

        Args:
            pid: The process, alive or not yet reaped.
            has_ended: Asked again and again where the kernel has no descriptors of processes.

        Source:
            pidfd_open(2), since Linux 5.3: it "polls as readable" when the process terminates, reaped or not.
        """
        try:
            return cls(os.pidfd_open(pid))
        except (AttributeError, OSError):  # not Linux, an old kernel, or a sandbox that forbids it

            def wait() -> None:
                while not has_ended():
                    time.sleep(_POLL_S)

            return cls.of_call(wait)

    @classmethod
    def of_call(cls, wait: Callable[[], object]) -> ExitWatch:
        """Watch what a blocking function waits for, in a thread of its own.

        Args:
            wait: Returns, or raises, once it has ended.
        """
        fd, bell = os.pipe()

        def ring() -> None:
            try:
                wait()
            finally:
                os.close(bell)  # a pipe without a writer is readable

        threading.Thread(target=ring, name="celery-perf-exit-watch", daemon=True).start()
        return cls(fd)

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end.

        Returns:
            Whether it came in time.
        """
        poll = select.poll()  # unlike select() it takes descriptors beyond 1023
        poll.register(self.fd, select.POLLIN)
        return bool(poll.poll(max(0.0, timeout_s) * 1000))

    def close(self) -> None:
        """Give the descriptor back."""
        if self._open:
            self._open = False
            os.close(self.fd)
