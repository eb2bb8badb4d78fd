from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.faults.moments import Moment
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from tests.unit.histories import NAME, crashed, execution, options


def find(
    moment: Moment,
    *executions: Execution,
    accepted: Callable[[Execution], bool] = lambda _: True,
    acks_late: bool = True,
) -> str | None:
    """Return the id of the task whose moment has come."""
    history = History(executions=executions, tasks={NAME: options(acks_late=acks_late)})
    found = moment.find(history, accepted)
    return found.task_id if found else None


def test_the_first_in_time_comes_first() -> None:
    executions = execution("late", started=9), execution("early", started=3)
    assert find(Moment("started"), *executions) == "early"
    assert find(Moment("started", nth=2), *executions) == "late"
    assert find(Moment("started", nth=3), *executions) is None


def test_only_of_the_task_that_is_meant() -> None:
    executions = execution("other", name="shop.tasks.ship"), execution("meant", started=5)
    assert find(Moment("ended", NAME), *executions) == "meant"
    assert find(Moment("ended", "shop.tasks.refund"), *executions) is None


def test_a_start_counts_once_the_main_process_knows_of_it() -> None:
    assert find(Moment("started"), crashed(), accepted=lambda _: False) is None
    assert find(Moment("received"), crashed(), accepted=lambda _: False) == "t1"


@pytest.mark.parametrize(("pool", "found"), [("prefork", None), ("solo", "t1")])
def test_a_start_counts_once_its_message_was_acknowledged_where_that_comes_first(pool: str, found: str | None) -> None:
    started = crashed(acknowledged_ns=None, pool=pool)
    assert find(Moment("started"), started, acks_late=False) == found
    assert find(Moment("started"), crashed(acknowledged_ns=1, pool=pool), acks_late=False) == "t1"


def test_what_has_not_happened_has_no_moment() -> None:
    assert find(Moment("ended"), crashed()) is None
    assert find(Moment("requeued"), execution()) is None


def test_a_moment_has_a_name() -> None:
    assert Moment("started", NAME, 2).name == f"{NAME} 2× started"
    assert Moment("ended").name == "a task ended"


@pytest.mark.parametrize(("event", "nth"), [("lunch", 1), ("started", 0)])
def test_mistakes(event: str, nth: int) -> None:
    with pytest.raises(ConfigurationError, match=r"celery_faults\.when: "):
        Moment(event, nth=nth)
