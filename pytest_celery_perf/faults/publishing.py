"""Ends what keeps a publish of the test from returning: the test waits in it, and cannot undo anything itself."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.errors import UnfinishedTasksError
from pytest_celery_perf.model.units import format_duration_s
from pytest_celery_perf.probe import patch
from pytest_celery_perf.probe.callsite import innermost

if TYPE_CHECKING:
    from pytest_celery_perf.faults.lasting import Lasting, Ward

_LOOK_S = 0.05
"""How often it is looked whether the test publishes."""


@dataclass(frozen=True, slots=True, eq=False)
class _Publish:
    """A call by which a thread publishes a task."""

    path: str
    line: int


_under_way: dict[int, _Publish] = {}
"""Those that have not returned, by thread. Each thread tells of itself: who looks at the frames of another one may meet
one that has just gone, before Python 3.12.

Source:
    ``_PyFrame_MakeAndSetFrameObject`` in Python/frame.c of 3.11, where the garbage collector may run, and then others.
"""


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
        from celery.app.base import Celery

        patch.wrap(Celery, "send_task", _noting)
        self._obstacles[fault] = what
        if self._watcher is None or not self._watcher.is_alive():
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()

    def _watch(self) -> None:
        call, since_s = None, 0.0
        while lasting := self._lasting():
            before, call = call, _under_way.get(self._test)
            if call is not before:
                since_s = time.monotonic()
            if call is not None:
                self._ward.tend()  # of what lasts for a certain time the test itself sees no end
                if time.monotonic() - since_s > self._timeout_s:
                    self._break_off(lasting, call)
            time.sleep(_LOOK_S)

    def _break_off(self, lasting: dict[Lasting, str], call: _Publish) -> None:
        for fault, what in lasting.items():
            fault.break_off(
                UnfinishedTasksError(
                    f"{what} was undone after {format_duration_s(self._timeout_s)} (celery_perf_timeout), as "
                    f"{os.path.relpath(call.path)}:{call.line} was still publishing and nobody answered: publish "
                    "before the fault or after its end; or have the app give up by itself, here and in production, by "
                    "broker_transport_options={'socket_timeout': 5} and, for results, redis_socket_timeout=5"
                )
            )

    def _lasting(self) -> dict[Lasting, str]:
        return {fault: what for fault, what in list(self._obstacles.items()) if not fault.over}


def _noting(send_task: Callable[..., Any]) -> Callable[..., Any]:
    """Note where a task is published, until that returns.

    Source:
        ``Celery.send_task`` in celery/app/base.py, where a result backend may ask its server, too.
    """

    def send_task_noted(*args: Any, **options: Any) -> Any:
        __tracebackhide__ = True
        thread = threading.get_ident()
        if thread in _under_way:
            return send_task(*args, **options)
        caller = sys._getframe(1)  # noqa: SLF001 - the public name of it
        path, line, _ = innermost(caller) or (caller.f_code.co_filename, caller.f_lineno, "")
        _under_way[thread] = _Publish(path, line)
        try:
            return send_task(*args, **options)
        finally:
            del _under_way[thread]

    return send_task_noted
