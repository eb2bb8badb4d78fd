"""Makes the end of a process something that a selector can wait for."""

from __future__ import annotations

import os
import select
import threading
import time
from collections.abc import Callable

_POLL_S = 0.01


class ExitWatch:
    """A descriptor that becomes readable once a process has ended.

    Args:
        pid: The process, alive or not yet reaped.
        has_ended: Asked again and again where the kernel has no descriptors of processes.

    Source:
        pidfd_open(2), since Linux 5.3: it "polls as readable" when the process terminates, reaped or not.
    """

    def __init__(self, pid: int, has_ended: Callable[[], bool]) -> None:
        self._closed = threading.Event()
        try:
            self.fd = os.pidfd_open(pid)
        except (AttributeError, OSError):  # not Linux, an old kernel, or a sandbox that forbids it
            self.fd, bell = os.pipe()
            threading.Thread(target=self._poll, args=(has_ended, bell), daemon=True).start()

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
        if not self._closed.is_set():
            self._closed.set()
            os.close(self.fd)

    def _poll(self, has_ended: Callable[[], bool], bell: int) -> None:
        while not self._closed.is_set() and not has_ended():
            time.sleep(_POLL_S)
        os.close(bell)  # the end of the pipe makes it readable
