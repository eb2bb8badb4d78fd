from __future__ import annotations

from pytest_celery_perf.model.pools import Fit, Kind, Stock, TaskProfile
from pytest_celery_perf.report.pools import inventory_text


def stock(task: str, fit: Fit) -> Stock:
    found = TaskProfile(task=task, kind=Kind.WAITS, cpu_share=0.01, runtime_s=0.1, executions=5, source="solo")
    return Stock(task=task, profile=found, fit=fit)


def test_an_inventory_says_that_sizes_are_computed_and_how_to_try_one() -> None:
    stocks = [stock("shop.ask", Fit(pool="gevent")), stock("shop.pay", Fit(pool="gevent", concurrency=23))]
    lines = inventory_text(stocks).splitlines()
    assert ["gevent", "gevent:23"] == [line.split()[-1] for line in lines if line.startswith("shop.")]
    assert lines[-1] == (
        "sizes are computed, and were not tried; to try one: celery-perf pools shop.pay --pools=gevent:23"
    )


def test_an_inventory_without_sizes_says_nothing_of_them() -> None:
    assert "sizes" not in inventory_text([stock("shop.ask", Fit(pool="gevent")), stock("shop.nap", Fit(pool="solo"))])
