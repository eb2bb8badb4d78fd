"""What outlasts the visibility timeout is delivered again in production, though here it was not."""

from __future__ import annotations

import pytest

from pytest_celery_perf.judge.reliable import judge
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.spec import ReliableBudget
from pytest_celery_perf.model.verdict import Status
from tests.unit.histories import NAME, execution, history, options, publication

HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (
            history(execution(body=2 * HOUR_MS)),
            (
                "in production: Redis delivers charge again after 1h, while it still runs",
                "above the longest run, or split",
            ),
        ),
        (
            history(execution(), tasks={NAME: options(time_limit_s=7200.0)}),
            (
                "in production: Redis delivers charge again after 1h; a run that takes up to its time limit",
                "or lower that",
            ),
        ),
        (
            history(execution(), publications=(publication(countdown_s=3 * 3600.0),)),
            (
                "in production: Redis delivers charge again every 1h until its ETA, and it runs up to 3×",
                "a periodic task",
            ),
        ),
    ],
    ids=["run", "limit", "countdown"],
)
def test_what_outlasts_the_visibility_timeout_is_told_as_production_would_see_it(
    told: History, words: tuple[str, ...]
) -> None:
    (verdict,) = judge(ReliableBudget(), told)
    shown = "\n".join((*verdict.evidence, *verdict.fix))
    assert [each for each in words if each not in shown] == []


@pytest.mark.parametrize(
    "told",
    [
        history(execution(body=HOUR_MS - 1)),
        history(execution(body=2 * HOUR_MS), workers=()),
        history(execution(body=2 * HOUR_MS), tasks={NAME: options(acks_late=False)}),
        history(execution(), publications=(publication(countdown_s=3599.0),)),
    ],
    ids=["shorter", "no worker was ready", "acknowledged at its start", "a shorter countdown"],
)
def test_nothing_is_foreseen_for_what_does_not(told: History) -> None:
    (verdict,) = judge(ReliableBudget(), told)
    assert verdict.status is Status.PASS
    assert verdict.evidence == ()
