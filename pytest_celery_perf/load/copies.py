"""Puts copies of a message into the broker, many at once, and writes down that it did."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_celery_perf.broker.lists import BATCH, Lists
from pytest_celery_perf.load.template import Template, identifiers
from pytest_celery_perf.probe import wire

if TYPE_CHECKING:
    from pytest_celery_perf.probe.journal import Journal


def publish_copies(
    template: Template,
    blanks: Sequence[Mapping[str, str]],
    intended_ns: Sequence[int | None],
    *,
    like: wire.Publishing,
    lists: Lists,
    journal: Journal,
) -> None:
    """Publish copies of a message.

    Args:
        template: The message.
        blanks: For each copy, what it has of its own besides ids and times.
        intended_ns: When each was meant to be published; None in a closed loop.
        like: The record of the message's own publication.
        lists: The broker's.
        journal: Where the records of the copies go.

    Raises:
        BrokerError: The broker did not confirm some; what became of them is not known.
    """
    for start in range(0, len(blanks), BATCH):
        some = blanks[start : start + BATCH]
        due_ns = [each for each in intended_ns[start : start + BATCH] if each is not None]
        ids, tags = identifiers(len(some)), identifiers(len(some))
        now_ns = time.monotonic_ns()
        times = template.times(now_ns)
        texts = [
            template.fill(task_id, tag, {**times, **own}) for task_id, tag, own in zip(ids, tags, some, strict=True)
        ]
        record = wire.Bulk(
            ns=now_ns,
            token=like.token,
            name=like.name,
            queue=like.queue,
            priority=like.priority,
            countdown_s=like.countdown_s,
            waited_s=like.waited_s,
            confirmed=False,
            ids=ids,
            intended_ns=due_ns or None,
        )
        try:
            lists.push(template.key, texts)
            record = record._replace(confirmed=True)
        finally:
            # Only now, so that one record does: a worker that is faster has said so itself.
            journal.write(record)
    journal.ring()
