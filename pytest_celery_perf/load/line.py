"""Publishes the tasks of one kind, as cheaply as they can be without being others than the app's own."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pytest_celery_perf.broker.lists import BATCH, Lists, Put, watched
from pytest_celery_perf.load.body import Body
from pytest_celery_perf.load.copies import publish_copies
from pytest_celery_perf.load.mix import Kind
from pytest_celery_perf.load.template import NoTemplateError, Template, template_of
from pytest_celery_perf.model.load import Published, Way
from pytest_celery_perf.probe import wire

if TYPE_CHECKING:
    from pytest_celery_perf.runner.trial import Trial

SAMPLES = 2
"""How many messages the app publishes itself before the others are copied: what differs between them is found out."""


class Order(NamedTuple):
    """A task that is to be published."""

    number: int
    """Counted from 0 over the whole load."""
    intended_ns: int | None
    """When an open loop means it to be published."""


class Line:
    """Publishes the tasks of one kind.

    The first two are published by the app: routed, serialised and signalled as always. If their messages differ in ids,
    arguments and times alone, all others are copies with ids, arguments and times of their own. Else the app publishes
    all of them: in batches where kombu can, one by one where it cannot, or where a task is not exactly one message.

    Args:
        kind: What to publish.
        trial: The test's tasks.
        lists: The broker's.
        bulk: Whether copies and batches may be made.
    """

    def __init__(self, kind: Kind, trial: Trial, lists: Lists, *, bulk: bool) -> None:
        self.kind = kind
        self._trial = trial
        self._lists = lists
        self._samples: list[Put] = []
        self._body: Body | None = None
        self.template: Template | None = None
        """Of the copies, once it is known."""
        self.like: wire.Publishing | None = None
        """The record of the last message of the app's own."""
        self._way = Way.COPIES if bulk else Way.SINGLY
        self._reason = "" if bulk else "bulk=False"

    @property
    def published(self) -> Published:
        """How its messages were published."""
        return Published(task=self.kind.name, way=self._way, reason=self._reason)

    @property
    def lacks_template(self) -> bool:
        """Whether the app must publish the next task itself, for a template."""
        return self._way is Way.COPIES and self.template is None

    def publish(self, orders: Sequence[Order]) -> None:
        """Publish tasks.

        Raises:
            BrokerError: The broker did not confirm some.
        """
        rest = list(orders)
        while rest and self.lacks_template:
            self._publish_sample(rest.pop(0))
        if not rest:
            return
        if self.template is not None and self.like is not None:
            publish_copies(
                self.template,
                [self.blanks(order) for order in rest],
                [order.intended_ns for order in rest],
                like=self.like,
                lists=self._lists,
                journal=self._trial.journal,
            )
        elif self._way is Way.BATCHES:
            self._publish_batches(rest)
        else:
            for order in rest:
                self._publish(order)

    def blanks(self, order: Order) -> Mapping[str, str]:
        """Return what the copy of a task has of its own besides ids and times."""
        return {} if self._body is None else self._body.write(self.kind.arguments(order.number), self.kind.kwargs)

    def _publish(self, order: Order, **options: Any) -> None:
        tracker = self._trial.tracker
        tracker.intended_ns = order.intended_ns
        try:
            self.kind.publish(order.number, **options)
        finally:
            tracker.intended_ns = None

    def _publish_sample(self, order: Order) -> None:
        tracker = self._trial.tracker
        tracker.forget()
        with watched() as puts:
            self._publish(order)
        self.like = tracker.last
        if len(puts) != 1 or self.like is None:
            tracked = "" if self.like else ", none of which can be tracked"
            self._way, self._reason = Way.SINGLY, f"to publish it put {len(puts)} messages into the broker{tracked}"
            return
        self._samples += puts
        if len(self._samples) == SAMPLES:
            try:
                self.template = self._make_template(order)
            except NoTemplateError as error:
                self._way, self._reason = _next_best(), str(error)

    def _make_template(self, order: Order) -> Template:
        template = template_of(*self._samples, varied=self.kind.varied)
        if self.kind.varied:
            self._body = self._make_body(order)
        return template

    def _make_body(self, order: Order) -> Body:
        message = json.loads(self._samples[-1].text)
        if onlooker := _onlooker(self.kind):
            raise NoTemplateError(f"{onlooker}, which may look at its arguments")
        body = Body(message, self.kind.app)
        if not body.follows(json.loads(self._samples[0].text)):
            raise NoTemplateError("its messages differ in what follows the arguments")
        if not body.wrote(message, self.kind.arguments(order.number), self.kind.kwargs):
            raise NoTemplateError("the app does something of its own with its arguments")
        return body

    def _publish_batches(self, orders: Sequence[Order]) -> None:
        tracker, journal = self._trial.tracker, self._trial.journal
        with self.kind.app.producer_or_acquire() as producer:
            for start in range(0, len(orders), BATCH):
                tracker.unsent = []
                try:
                    with producer.batch(max_size=BATCH):
                        for order in orders[start : start + BATCH]:
                            self._publish(order, producer=producer)
                    for record in tracker.unsent:
                        journal.write(record)
                finally:
                    tracker.unsent = None
        journal.ring()


def _onlooker(kind: Kind) -> str:
    """Say what of the app's own sees the arguments of a task that is published; nothing if nothing does.

    Source:
        ``Router.route`` in celery/app/routes.py, ``Task.apply_async`` in celery/app/task.py, ``send_task_message`` in
        celery/app/amqp.py.
    """
    from celery import signals
    from celery.app.task import Task

    if any(not hasattr(route, "patterns") for route in kind.app.amqp.router.routes):
        return "a function routes it"
    task = kind.app.tasks.get(kind.name)
    if task is not None and type(task).apply_async is not Task.apply_async:
        return f"{type(task).apply_async.__qualname__} publishes it"
    signal: Any = signals.before_task_publish
    receivers = signal._live_receivers(kind.name)  # noqa: SLF001  # `receivers` does not tell which senders they are for
    ours = f"{__name__.partition('.')[0]}."
    if receiver := next((each for each in receivers if not str(each.__module__).startswith(ours)), None):
        return f"{getattr(receiver, '__qualname__', receiver)} receives before_task_publish"
    return ""


def _next_best() -> Way:
    from kombu import Producer

    return Way.BATCHES if hasattr(Producer, "batch") else Way.SINGLY
