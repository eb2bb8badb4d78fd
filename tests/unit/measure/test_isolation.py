"""Who waited behind whom: the same as by the slow definition, for as many tasks as a real backlog has."""

from __future__ import annotations

import random

import pytest

from pytest_celery_perf.measure.isolation import Rivals, Wait
from pytest_celery_perf.measure.steps import Steps, lasting_s
from pytest_celery_perf.measure.workers import WorkerFigures
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.record import Execution
from tests.unit.histories import BOOT, crashed, execution, fault, history, publication, worker

FLOOD, VICTIM = "shop.report", "shop.mail"


def rivals(*runs: Execution, published: dict[str, float], slots: int = 1, **fields: object) -> Rivals:
    messages = tuple(publication(each.task_id, ms=published[each.task_id], name=each.name) for each in runs)
    workers = (worker(concurrency=slots), worker("boot-2", concurrency=slots))
    return Rivals.of(FLOOD, VICTIM, history(*runs, publications=messages, workers=workers, **fields))


def blocked_s(figures: WorkerFigures, flooding: list[Execution], window: tuple[int, int]) -> float:
    """How long all slots were taken, one of these among them, by the definition."""
    slots = figures.info.concurrency or 0
    running = Steps.of((each.started_ns or 0, each.ended_ns) for each in flooding)
    return lasting_s(lambda active, of_flood: active >= slots and of_flood > 0, window, figures.active, running)


def by_definition(wait: Wait, found: Rivals) -> tuple[int, float, int]:
    """Behind how many, for how long, and by how many overtaken."""
    if wait.worker is None:
        return 0, 0.0, 0
    window, boot = (wait.ready_ns, wait.until_ns), wait.worker.info.boot
    flooding = [each for life in found.flood for each in life.started if each.boot == boot]
    held_ns = round((wait.prefetched_s or 0) * 1e9)
    overtaken = sum(wait.until_ns - held_ns < (each.started_ns or 0) < wait.until_ns for each in flooding)
    behind = sum(blocked_s(wait.worker, [each], window) > 0 for each in flooding)
    return behind, blocked_s(wait.worker, flooding, window), overtaken


def some(dice: random.Random) -> Rivals:
    """A few tasks of a flood, of victims and of others, on two workers, on a coarse clock: many times coincide."""
    runs: list[Execution] = []
    published: dict[str, float] = {}
    for number in range(dice.randint(2, 14)):
        begun = dice.randint(0, 12)
        sent = dice.randint(0, begun)
        kind = dice.choice((FLOOD, FLOOD, VICTIM, "shop.other"))
        task_id, boot = f"t{number}", dice.choice((BOOT, BOOT, "boot-2"))
        body, ended = dice.randint(0, 6), dice.random() > 0.1
        received = dice.randint(sent, begun)
        runs.append(execution(task_id, received=received, started=begun, body=body, ended=ended, name=kind, boot=boot))
        published[task_id] = sent
    return rivals(*runs, published=published, slots=dice.randint(1, 3))


@pytest.mark.parametrize("seed", range(300))
def test_equal_to_the_definition(seed: int) -> None:
    found = some(random.Random(seed))
    for wait in found.waits():
        assert by_definition(wait, found) == (wait.behind, wait.blocked_s, wait.overtaken)


def test_the_definition_is_put_to_the_test() -> None:
    """Most of those histories have somebody who waits."""
    behind = [wait.behind for seed in range(300) for wait in some(random.Random(seed)).waits()]
    assert sum(number > 1 for number in behind) > 50
    assert behind.count(0) > 50


def test_the_dead_take_no_slot() -> None:
    """A task of the flood that died before the victim was published is not in its way, whoever is then."""
    dead = crashed("f1", received=0, started=1, name=FLOOD)
    other = execution("o1", received=20, started=20, body=60, name="shop.other")
    late = execution("v1", received=40, started=80, name=VICTIM)
    (wait,) = rivals(
        dead, other, late, published={"f1": 0, "o1": 20, "v1": 40}, faults=(fault("kill-child", ms=10, task_id="f1"),)
    ).waits()
    assert (0, 0.0) == (wait.behind, wait.blocked_s)


def backlog() -> History:
    """Of 1,000 tasks on four slots, with 100 victims that wait for most of it."""
    flood = [
        execution(f"f{number}", received=0, started=10 * (number // 4), body=10, name=FLOOD) for number in range(1000)
    ]
    victims = [execution(f"v{number}", received=1, started=2400 + number, body=1, name=VICTIM) for number in range(100)]
    messages = [publication(each.task_id, ms=0, name=each.name) for each in (*flood, *victims)]
    return history(*flood, *victims, publications=tuple(messages), workers=(worker(concurrency=4),))


def test_each_worker_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0
    count = Steps.of.__func__  # type: ignore[attr-defined]

    def counting(kind: type[Steps], spans: object) -> Steps:
        nonlocal counted
        counted += 1
        return count(kind, spans)  # type: ignore[no-any-return]

    found = Rivals.of(FLOOD, VICTIM, backlog())
    monkeypatch.setattr(Steps, "of", classmethod(counting))
    waits = found.waits()
    assert len(waits) == 100
    assert all(wait.behind > 900 for wait in waits)
    assert counted < 10, "of two step functions of a worker, and some of the flood, none is of a victim"
