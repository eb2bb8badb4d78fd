"""The worker's main process: what it takes from the broker, and what it gives back."""

from __future__ import annotations

import inspect
import time
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.probe import context, effects, touch, wire
from pytest_celery_perf.probe.attempt import describe_error
from pytest_celery_perf.probe.callsite import is_user_file
from pytest_celery_perf.probe.faults import Faults, Victim
from pytest_celery_perf.probe.instruments import body_bytes
from pytest_celery_perf.probe.limits import Limits
from pytest_celery_perf.probe.orders import AGAIN, HEADER, FaultOrder, asks_for_more, orders_for
from pytest_celery_perf.probe.supervision import Supervision

if TYPE_CHECKING:
    from pytest_celery_perf.probe.journal import Journal


KILLING = ("kill-child", "exhaust-memory")
"""The orders of which children die."""


class MessageWatch:
    """Notes each message from its receipt to its acknowledgment.

    Args:
        journal: Where the records go.
        faults: Carries out the faults that strike on receipt.
    """

    def __init__(self, journal: Journal, faults: Faults) -> None:
        self._journal = journal
        self._faults = faults
        self._unacked: dict[str, tuple[str, int, int]] = {}
        """(id, retries, received_ns) by delivery tag."""
        self._faulted: dict[int, str] = {}
        """The test of an unacknowledged message that has faults, by time of receipt."""
        self._touching: dict[str, tuple[str, tuple[FaultOrder, ...], bool]] = {}
        """Of an unacknowledged message that asks for touch points, by delivery tag: the test, the faults, and whether
        it is acknowledged late."""
        self._limits = Limits(faults)
        self._supervision = Supervision()
        self._told: set[str] = set()

    def watch_receipts(self) -> None:
        """Note when a message was taken from the broker, before the app's own receivers of ``task_received`` do.

        Celery sends that signal for each message. To be one of its receivers takes half as long again as the record.

        Source:
            ``task_message_handler`` in celery/worker/strategy.py.
        """
        from celery import signals

        received: Any = signals.task_received
        send = received.send

        def send_noted(sender: Any, **named: Any) -> Any:
            try:
                self._received(sender, named["request"])
            except Exception as error:
                # Raised here it would end the worker; swallowed, a record would be missing without a word.
                self._journal.problem(f"the receipt of {named['request'].name}: {error!r}")
            return send(sender, **named)

        received.send = send_noted

    def _received(self, consumer: Any, request: Any) -> None:
        headers = request.request_dict
        header = headers.get(HEADER)
        if header is None:
            return
        received_ns = time.monotonic_ns()
        delivery = request.delivery_info
        tag = request.message.delivery_tag
        task = request.task
        if task.name not in self._told:
            self._tell(task)
        key = (request.id, headers.get("retries") or 0, received_ns)
        self._unacked[tag] = key
        headers[HEADER] = noted = {**header, "received": received_ns}
        if "measure" in header:
            noted["bytes"] = body_bytes(request.message.body)
        self._journal.write(
            wire.Received(
                received_ns,
                header["t"],
                request.id,
                headers.get("root_id"),
                headers.get("parent_id"),
                task.name,
                key[1],
                tag,
                delivery["routing_key"],
                delivery["priority"],
                bool(delivery["redelivered"]),
            )
        )
        if asks_for_more(header):
            self._prepare(consumer, request, header, key)

    def _prepare(self, consumer: Any, request: Any, header: dict[str, Any], key: tuple[str, int, int]) -> None:
        """Do what a message asks for before its task runs."""
        message = request.message
        tag = message.delivery_tag
        orders = orders_for(header, request.task.name)
        victim = Victim(header["t"], key[0], key[2])
        if orders and (spared := self._limits.bring_forward(consumer, request, orders, victim)):
            request.request_dict[HEADER]["spared"] = spared
        if any(order.do in AGAIN for order in orders):
            self._journal.write(wire.Message(time.monotonic_ns(), *key, message.serializable()))
        if touch.is_wanted(header, orders):
            effects.install()
            self._touching[tag] = header["t"], orders, bool(request.task.acks_late)
        if orders:
            self._faulted[key[2]] = header["t"]
        if "notice" in header or any(order.do in KILLING for order in orders):
            self._supervision.begin(consumer, request)
        for order in orders:
            if order.at == "received":
                self._faults.strike(order, victim)

    def _tell(self, task: Any) -> None:
        self._told.add(task.name)
        self._journal.write(
            wire.Task(
                task.name,
                bool(task.acks_late),
                bool(task.reject_on_worker_lost),
                bool(task.ignore_result),
                task.max_retries,
                float(task.default_retry_delay or 0),
                hasattr(task, "_orig_run"),
                float(getattr(task, "retry_backoff", 0) or 0),
                float(getattr(task, "retry_backoff_max", 600) or 0),
                bool(getattr(task, "retry_jitter", True)),
                task.time_limit or task.app.conf.task_time_limit,
                task.soft_time_limit or task.app.conf.task_soft_time_limit,
                _definition(task),
            )
        )

    def watch_acknowledgments(self) -> None:
        """Note when a message leaves the broker, or goes back.

        Celery has no signal for either; kombu's Redis transport does both in two methods.

        Source:
            ``kombu.transport.redis.QoS``.
        """
        from kombu.transport import redis

        patched: Any = redis.QoS
        acknowledge, reject = patched.ack, patched.reject

        def ack(qos: Any, delivery_tag: str) -> None:
            if delivery_tag in self._touching:
                self._touch(delivery_tag)
            acknowledge(qos, delivery_tag)
            self._left(delivery_tag, wire.Acknowledged)

        def requeue_or_drop(qos: Any, delivery_tag: str, requeue: bool = False) -> None:
            reject(qos, delivery_tag, requeue=requeue)
            self._left(delivery_tag, wire.Requeued if requeue else wire.Acknowledged)

        patched.ack, patched.reject = ack, requeue_or_drop

    def watch_breaks(self) -> None:
        """Note when the worker has lost its connection, whereupon it forgets its messages.

        Source:
            ``Consumer.start`` in celery/worker/consumer/consumer.py, which calls ``on_close`` next, as a worker does
            that is told to stop. ``AsynPool.flush`` empties the prefork pool; solo and gevent have nothing that waits
            in them, and threads keep it.
        """
        from celery.worker.consumer import Consumer

        patched: Any = Consumer
        react, close = patched.on_connection_error_after_connected, patched.on_close

        def on_connection_error(consumer: Any, error: BaseException) -> None:
            try:
                react(consumer, error)
            finally:
                keeps = type(consumer.pool).__module__.endswith(".thread")
                self._journal.write(wire.Forgot(time.monotonic_ns(), not keeps))
                self._journal.ring()

        def on_close(consumer: Any) -> None:
            close(consumer)
            self._supervision.resume(consumer)

        patched.on_connection_error_after_connected, patched.on_close = on_connection_error, on_close

    def _touch(self, tag: str) -> None:
        """Come to the last touch point of an execution: before its message leaves the broker."""
        token, orders, late = self._touching.pop(tag)
        key = self._unacked.get(tag)
        if key is None:
            return
        # How many points there were is known to the process that ran the task.
        acknowledgment = touch.Touch(0, "acknowledgment", "")
        self._journal.write(wire.Touched(time.monotonic_ns(), *key, *acknowledgment, None))
        victim = Victim(token, key[0], key[2])
        for order in orders:
            if order.attempt in (None, key[1]) and self._faults.strikes_acknowledgment(order, victim, late=late):
                self._faults.strike(order, victim, found=acknowledgment.found)

    def _left(self, tag: str, kind: Any) -> None:
        key = self._unacked.pop(tag, None)
        if key is None:
            return
        self._journal.write(kind(time.monotonic_ns(), *key))
        self._journal.ring()
        self._touching.pop(tag, None)
        token = self._faulted.pop(key[2], None)
        if token is not None:
            self._faults.acknowledged(Victim(token, key[0], key[2]))

    def on_failure(self, task_id: str = "", exception: Any = None, **_: Any) -> None:
        """Handle ``task_failure``: of interest where the process that ran the task could not say so."""
        if context.current() is not None:
            return
        lost = type(exception).__name__ == "WorkerLostError"
        error = describe_error(exception, is_user_file)
        self._journal.write(wire.Failed(time.monotonic_ns(), task_id, "lost" if lost else "failed", error))
        self._journal.ring()

    def on_revoked(self, request: Any = None, expired: Any = False, **_: Any) -> None:
        """Handle ``task_revoked``: a message was discarded."""
        self._journal.write(wire.Revoked(time.monotonic_ns(), request.id, bool(expired)))
        self._journal.ring()

    def on_unknown(self, sender: Any = None, name: str | None = None, **message: Any) -> None:
        """Handle ``task_unknown``: a message named a task that this worker does not know."""
        self._journal.write(wire.Unknown(time.monotonic_ns(), message.get("id") or "", name or "", sender.hostname))
        self._journal.ring()


def _definition(task: Any) -> tuple[str, int, str] | None:
    function = inspect.unwrap(getattr(task, "_orig_run", task.run))
    code = getattr(function, "__code__", None)
    return None if code is None else (code.co_filename, code.co_firstlineno, code.co_name)
