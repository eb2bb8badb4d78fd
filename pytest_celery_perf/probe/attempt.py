"""An execution while it runs, as the process that runs it sees it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import context
from pytest_celery_perf.probe.faults import Victim
from pytest_celery_perf.probe.fingerprint import fingerprint

if TYPE_CHECKING:
    from pytest_celery_perf.probe.counters import Counter
    from pytest_celery_perf.probe.faults import Faults
    from pytest_celery_perf.probe.instruments import BodyReading, Measurement
    from pytest_celery_perf.probe.orders import FaultOrder
    from pytest_celery_perf.probe.queries import Capture
    from pytest_celery_perf.probe.touch import Touches

MESSAGE_CHARACTERS = 500
"""How much of an exception's text a record keeps."""


class RunningAttempt:
    """What is gathered between the start and the end of one execution.

    Args:
        name: The task.
        task_id: Its id.
        retries: Which attempt this is.
        header: This package's message header.
        orders: The faults it must suffer.
        faults: Carries them out.
        capture: Counts its queries; None without Django and SQLAlchemy.
        early: Whether its message is acknowledged when it starts, by another process or thread.
    """

    __slots__ = (
        "_faults",
        "body_ended_ns",
        "body_readings",
        "body_started_ns",
        "capture",
        "counters",
        "counts_cpu",
        "cpu_ns",
        "cpu_started_ns",
        "early",
        "header",
        "heeds_queries",
        "hosts",
        "injected",
        "interruption",
        "measurements",
        "name",
        "orders",
        "raised",
        "received_ns",
        "retries",
        "scope",
        "task_id",
        "touches",
        "unattributed_before",
        "unheard",
        "unstored",
    )

    # Positional: keywords would cost a microsecond of every execution.
    def __init__(  # noqa: PLR0917
        self,
        name: str,
        task_id: str,
        retries: int,
        header: dict[str, Any],
        orders: tuple[FaultOrder, ...],
        faults: Faults,
        capture: Capture | None,
        early: bool,
    ) -> None:
        self.name = name
        self.task_id = task_id
        self.retries = retries
        self.header = header
        self.received_ns: int = header.get("received", 0)
        self.orders = orders
        self.capture = capture
        self.early = early
        self.touches: Touches | None = None
        self.heeds_queries = bool(orders) and any(order.query for order in orders)
        """Whether `on_query` and `on_answer` must be called."""
        self.body_started_ns: int | None = None
        self.body_ended_ns: int | None = None
        self.counts_cpu = False
        """Whether its thread works for nobody else."""
        self.cpu_started_ns: int | None = None
        self.cpu_ns: int | None = None
        """CPU time of its thread in the body."""
        self.unattributed_before = 0
        self.scope: Any = None
        """What `context.leave` needs."""
        self.injected = False
        self.raised: BaseException | None = None
        """What the body raised."""
        self.unstored: BaseException | None = None
        """What kept its result from being stored."""
        self.unheard = False
        """Whether its worker's main process does not hear of its end."""
        self.interruption: Exception | None = None
        """What a signal has raised at its start, for its body to raise."""
        self.counters: dict[str, Counter] = {}
        """What its task counts, by name."""
        self.hosts: dict[str, str] = {}
        """The names that it has looked up, by address."""
        self.measurements: list[Measurement] = []
        self.body_readings: tuple[BodyReading, ...] = ()
        """Of instruments that measure the body alone."""
        self._faults = faults

    @property
    def victim(self) -> Victim:
        """Who suffers its faults."""
        return Victim(self.header["t"], self.task_id, self.received_ns, self.early)

    def strike(self, point: str) -> None:
        """Carry out the faults that are due at a point."""
        for order in self.orders:
            if order.at == point:
                self._faults.strike(order, self.victim)

    def announce_end(self) -> list[FaultOrder]:
        """Come to the end: write down which faults strike there, and return them.

        They strike after the end is written down, and nobody waits for more after that.
        """
        due = [
            struck
            for order in self.orders
            if order.at == "finished" and (struck := self._faults.announce(order, self.victim))
        ]
        return due if self.touches is None else [*due, *self.touches.announce_end()]

    def carry_out(self, orders: list[FaultOrder]) -> None:
        """Carry out what `announce_end` returned."""
        for order in orders:
            self._faults.carry_out(order, self.victim)

    def reading(self, instrument: str) -> Any:
        """Return what measures it; None if its message does not ask for that."""
        return next((reading for name, reading in self.measurements if name == instrument), None)

    def touch(self, touches: Touches) -> None:
        """Number from now on the points at which it touches the outside world."""
        self.touches = touches
        self.heeds_queries = True
        touches.reach("started")

    def on_query(self, number: int, sql: str, alias: str) -> None:
        """Carry out the faults that are due before a query.

        Args:
            number: Its number among the body's queries; 0 outside the body.
            sql: Its text.
            alias: Of its database.

        Raises:
            BaseException: What a ``raise`` order names.
        """
        if number:
            self.strike(f"query:{number}")
        if self.touches is not None:
            statement = fingerprint(sql)
            self.touches.reach("query", statement if alias == "default" else f"{alias}: {statement}")

    def on_answer(self) -> None:
        """Note that a query has come back, where touch points are asked for."""
        if self.touches is not None:
            self.touches.answered()

    def begin_body(self) -> None:
        """The task's own function starts.

        Raises:
            BaseException: What a ``raise`` order names, or what a signal has raised already.
        """
        if self.capture is not None:
            self.capture.phase = "body"
        self.body_started_ns = time.monotonic_ns()
        if self.counts_cpu:
            self.cpu_started_ns = time.thread_time_ns()
        for reading in self.body_readings:
            reading.begin_body()
        if self.orders:
            # Set before and taken back after, since a `raise` order does not return.
            self.injected = True
            self.strike("body")
            self.injected = False
            if self.interruption is not None:
                raise self.interruption

    def end_body(self) -> None:
        """The task's own function returned or raised."""
        for reading in self.body_readings[::-1]:
            reading.end_body()
        if self.cpu_started_ns is not None:
            self.cpu_ns = time.thread_time_ns() - self.cpu_started_ns
        self.body_ended_ns = time.monotonic_ns()
        if self.capture is not None:
            self.capture.phase = "hooks"


def with_body(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Return a task's function with its begin and end noted in the current attempt.

    Args:
        function: The task's ``run``, or what autoretry wrapped.
        name: The task's name: a task that calls another one's function directly runs it as
            part of its own body.
    """

    @functools.wraps(function)
    def body(*args: Any, **kwargs: Any) -> Any:
        attempt = context.current()
        if attempt is None or attempt.name != name or attempt.body_started_ns is not None:
            return function(*args, **kwargs)
        try:
            attempt.begin_body()
            return function(*args, **kwargs)
        except BaseException as error:
            attempt.raised = error
            raise
        finally:
            attempt.end_body()

    return body


def describe_error(error: BaseException, is_user_file: Callable[[str], bool]) -> list[Any]:
    """Return the wire form of an exception: type, text and the innermost line of user code."""
    kind = type(error)
    where = _innermost_user_frame(error.__traceback__, is_user_file)
    try:
        text = str(error)[:MESSAGE_CHARACTERS]
    except Exception:  # of the user's own making
        text = "(its text cannot be made)"
    return [f"{kind.__module__}.{kind.__qualname__}", text, where]


def _innermost_user_frame(
    traceback: TracebackType | None, is_user_file: Callable[[str], bool]
) -> tuple[str, int, str] | None:
    found = None
    while traceback is not None:
        code = traceback.tb_frame.f_code
        if is_user_file(code.co_filename):
            found = (code.co_filename, traceback.tb_lineno, code.co_name)
        traceback = traceback.tb_next
    return found


def outcome_of(state: str | None) -> str | None:
    """Translate a Celery state, or ``DEDUPLICATED``, to a value of `model.record.Outcome`."""
    return _OUTCOMES.get(state or "")


_OUTCOMES = {
    "SUCCESS": "succeeded",
    "FAILURE": "failed",
    "RETRY": "retried",
    "REJECTED": "rejected",
    "IGNORED": "ignored",
    "REVOKED": "revoked",
    "DEDUPLICATED": "deduplicated",
}
