"""Which settings there are, and what they take."""

from __future__ import annotations

import pytest

from pytest_celery_perf.worker.settings import unfit


@pytest.mark.parametrize(
    ("name", "fitting", "others"),
    [
        ("worker_prefetch_multiplier", (1, 2.5, None), ("abc", "4", True, [4], {})),
        ("CELERYD_PREFETCH_MULTIPLIER", (1,), ("abc",)),
        ("task_time_limit", (1, 2.5, None), ("soon", False)),
        ("beat_cron_starting_deadline", (1, None), ("soon",)),
        ("task_acks_late", (True, False, 0, 1, None), ("no", 1.5, [])),
        ("task_queues", ([], {}, "a"), ()),
        ("task_default_queue", ("a",), ()),
        ("the_apps_own", ("a", 1), ()),
    ],
)
def test_numbers_and_what_is_true_or_false_are_held_to_it(
    name: str, fitting: tuple[object, ...], others: tuple[object, ...]
) -> None:
    assert [value for value in fitting if unfit(name, value)] == []
    assert [value for value in others if not unfit(name, value)] == []


def test_the_sentence() -> None:
    assert unfit("task_acks_late", "no") == "task_acks_late takes true or false, not 'no'"
