"""What production would make of messages whose worker is gone: it waits, and then delivers them again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_celery_perf.judge.phrases import join
from pytest_celery_perf.model.situation import PendingTask, Situation
from pytest_celery_perf.model.units import format_duration_s


def redelivery(tasks: Sequence[PendingTask], situation: Situation) -> Iterator[str]:
    """Say when messages in ``unacked`` are delivered again, and by whom.

    Args:
        tasks: Tasks of one queue whose messages a dead worker holds.
        situation: How things stand.

    Source:
        ``Transport.register_with_event_loop`` and ``QoS.restore_visible`` in kombu/transport/redis.py: only an event
        loop looks, which gevent does not have, and before kombu 5.7 every 100 s, whatever is configured.
    """
    if situation.visibility_timeout_s is None:
        yield "Redis delivers that again when the visibility timeout has passed."
        return
    timeout, delay = map(format_duration_s, (situation.visibility_timeout_s, situation.restore_delay_s))
    looks = f", and up to {delay} more until a worker looks" if situation.restore_delay_s else ""
    yield f"Redis delivers that again only after the visibility timeout, {timeout}{looks}."
    peers = [worker for worker in situation.consumers(tasks[0].queue) if worker.alive]
    latest = format_duration_s(situation.visibility_timeout_s + situation.restore_delay_s)
    names = join(worker.name for worker in peers) if peers else ""
    if not peers:
        yield "No living worker consumes its queue: in production a supervisor has to start one."
    elif all(worker.pool == "gevent" for worker in peers):
        yield f"In production {names} would take it after that time, but an idle gevent worker never looks."
    else:
        yield f"In production {names} would take it within {latest}."
