"""What messages carry into the workers for a fault to strike."""

from __future__ import annotations

from pytest_celery_perf.faults.orders import orders_for


def test_what_hangs_until_its_hard_limit_does_not_hear_the_soft_one() -> None:
    """Celery counts the hard limit from the soft one, which strikes wherever a busy child is by then."""
    limit, deaf, hanging = orders_for("time_limit", key="k", task="charge", at="query:2")
    hard_s, soft_s = limit.args
    assert 0 < soft_s < hard_s
    assert [("deafen", "started"), ("hold", "query:2")] == [(each.do, each.at) for each in (deaf, hanging)]


def test_the_soft_limit_raises_in_the_body() -> None:
    limit, hanging = orders_for("soft_time_limit", key="k", task="charge", at="started")
    assert (None, "body") == (limit.args[0], hanging.at)
