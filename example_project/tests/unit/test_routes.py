"""What goes where in the platform and in the registry."""

from __future__ import annotations

import pytest

from config.celery import app
from exams.queues import CPU, IO
from records.routing import redis_priority


def routed(name: str) -> tuple[str, int | None]:
    """Return the queue and the priority that the app gives a task."""
    options = app.amqp.router.route({}, name)
    return options["queue"].name, options.get("priority")


def test_what_computes_and_what_waits_do_not_share_a_queue() -> None:
    """A new task of the platform goes to one of the queues of its module."""
    app.autodiscover_tasks(force=True)
    queues = {
        kind: {routed(name)[0] for name in app.tasks if name.startswith(f"exams.tasks.{kind}.")}
        for kind in ("cpu", "io")
    }

    assert queues == {"cpu": {*CPU}, "io": {*IO}}


@pytest.mark.parametrize(
    ("name", "queue", "urgency"),
    [
        ("records.tasks.email.send_confirmation", "email", 3),
        ("records.tasks.reports.generate_pdf", "reports", 5),
        ("records.tasks.analytics.update_dashboard", "analytics", 2),
        ("records.tasks.cleanup.archive_old_records", "cleanup", 1),
        ("records.tasks.intake.process_record", "default", 5),
    ],
)
def test_a_name_tells_the_queue(name: str, queue: str, urgency: int) -> None:
    """By its pattern; what matches none is unrouted."""
    assert routed(name) == (queue, redis_priority(urgency))


def test_the_most_urgent_comes_first() -> None:
    """Redis serves 0 first."""
    assert [redis_priority(urgency) for urgency in (10, 5, 1)] == [0, 5, 9]


@pytest.mark.parametrize("urgency", [0, 11])
def test_urgency_has_ten_steps(urgency: int) -> None:
    """As many as Redis has."""
    with pytest.raises(ValueError, match=f"urgency {urgency}: must be 1 to 10"):
        redis_priority(urgency)
