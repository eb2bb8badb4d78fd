"""Each test runs on workers that are started warm and on others that are started cold."""

from __future__ import annotations

import json
import os

import pytest
from diary.models import Entry
from stock import tasks
from stock.models import Item


@pytest.fixture(
    autouse=True,
    params=[
        pytest.param("warm", marks=pytest.mark.celery_worker(concurrency=2, start="warm")),
        pytest.param("cold", marks=pytest.mark.celery_worker(concurrency=2, start="cold")),
    ],
)
def how(request):
    return request.param


pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")


def told() -> list[str]:
    return [*Entry.objects.order_by("pk").values_list("text", flat=True)]


def test_started_how(celery_perf, how):
    celery_perf.run(tasks.count_items)
    [worker] = celery_perf.history.workers
    assert worker.started_how.split()[0] == how
    assert [each.started_how for each in celery_perf.workers] == [worker.started_how]


def test_process(celery_perf, how):
    celery_perf.run(tasks.describe, [1, "two"], {"three": [3]})
    process = json.loads(told()[0])
    assert (process["args"], process["kwargs"]) == ([1, "two"], {"three": [3]})
    assert process["cwd"] == os.getcwd()
    assert process["program"] == "celery"
    assert process["argv"][:5] == ["-A", "town.celery:app", "worker", "-c", "2"]
    assert process["main_thread"]
    assert process["environment"]["TOWN_VARIABLE"] == os.environ["TOWN_VARIABLE"]
    compare("process", how, process)


def compare(what, how, told):
    """Keep what one kind of worker has told, and compare the other kind's with it."""
    others = f"{what}.json"
    if not os.path.exists(others):
        with open(others, "w") as file:
            json.dump(told, file)
    with open(others) as file:
        assert json.load(file) == told


def test_dice(celery_perf, how):
    celery_perf.run(tasks.throw_dice, times=10)
    assert len(set(told())) == 10
    compare_not(how, told())


def compare_not(how, thrown):
    """Check that no worker throws what another one has thrown."""
    with open("dice.txt", "a+") as file:
        file.seek(0)
        assert not {*file.read().split()} & {*thrown}
        file.write(" ".join(thrown) + "\n")


@pytest.mark.celery_worker(name="other", start="warm")
@pytest.mark.celery_worker(name="another", start="warm")
def test_dice_of_processes_of_one_origin(celery_perf):
    celery_perf.run(tasks.throw_dice, times=12)
    assert len(set(told())) == 12


@pytest.mark.celery_queries(exact=2, using={"default": 1, "archive": 1})
def test_queries(celery_perf):
    Item.objects.create(name="tea")
    celery_perf.run(tasks.count_items, times=3)
    assert told() == ["1"] * 3


def test_exceptions(celery_perf, how):
    celery_perf.run(tasks.stumble)
    [execution] = celery_perf.history.executions
    error = execution.error
    compare("error", how, [error.type, error.message, str(error)])
    assert (error.type, error.message) == ("builtins.LookupError", "over its own feet")


@pytest.mark.celery_retries(attempts=3, countdowns=[100, 200], final="succeeded")
def test_retries():
    tasks.insist.delay()


@pytest.mark.celery_recovery(kill="worker", at="started", within="60s")
def test_recovery(celery_perf, how):
    celery_perf.run(tasks.survive)
    assert {worker.started_how.split()[0] for worker in celery_perf.history.workers} == {how}
