"""Ends what keeps a publish of the test from returning: the test waits in it, and cannot undo anything itself."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import UnfinishedTasksError
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.probe.callsite import innermost

if TYPE_CHECKING:
    from pytest_celery_perf.faults.lasting import Lasting, Ward

_LOOK_S = 0.05
"""How often it is looked where the test is."""


class PublishDeadline:
    """Breaks faults off that a publish of the test has waited for as long as a test may wait for anything.

    kombu waits for Redis for ever, unless the app has set a ``socket_timeout``.

    Args:
        ward: Undoes what lasts.
        timeout_s: How long a publish may take.
    """

    def __init__(self, ward: Ward, timeout_s: float) -> None:
        self._ward = ward
        self._timeout_s = timeout_s
        self._test = threading.get_ident()
        self._obstacles: dict[Lasting, str] = {}
        self._watcher: threading.Thread | None = None

    def guard(self, fault: Lasting, what: str) -> None:
        """See to it that a fault lets publishes return in the end.

        Args:
            fault: What may keep them.
            what: Its name.
        """
        self._obstacles[fault] = what
        if self._watcher is None or not self._watcher.is_alive():
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()

    def _watch(self) -> None:
        call, since_s = None, 0.0
        while lasting := self._lasting():
            frames = sys._current_frames()  # noqa: SLF001 - the public name of it
            before, call = call, _publishing(frames.get(self._test))
            if call is not before:
                since_s = time.monotonic()
            if call is not None:
                self._ward.tend()  # of what lasts for a certain time the test itself sees no end
                if time.monotonic() - since_s > self._timeout_s:
                    self._break_off(lasting, call)
            time.sleep(_LOOK_S)

    def _break_off(self, lasting: dict[Lasting, str], call: FrameType) -> None:
        path, line, _ = innermost(call) or (call.f_code.co_filename, call.f_lineno, "")
        for fault, what in lasting.items():
            fault.break_off(
                UnfinishedTasksError(
                    f"{what} was undone after {format_duration_s(self._timeout_s)} (celery_perf_timeout), as "
                    f"{os.path.relpath(path)}:{line} was still publishing and nobody answered: publish before the "
                    "fault or after its end; or have the app give up by itself, here and in production, by "
                    "broker_transport_options={'socket_timeout': 5} and, for results, redis_socket_timeout=5"
                )
            )

    def _lasting(self) -> dict[Lasting, str]:
        return {fault: what for fault, what in list(self._obstacles.items()) if not fault.over}


def _publishing(frame: FrameType | None) -> FrameType | None:
    """Return the call by which a thread publishes a task; None if it does not.

    Source:
        ``Celery.send_task`` in celery/app/base.py, where a result backend may ask its server, too.
    """
    while frame is not None:
        if frame.f_code.co_name == "send_task" and frame.f_globals.get("__name__") == "celery.app.base":
            return frame
        frame = frame.f_back
    return None
