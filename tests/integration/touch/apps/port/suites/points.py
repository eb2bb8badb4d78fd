"""Where tasks touch the outside world."""

from __future__ import annotations

import pytest
from port.models import Ship
from port.tasks import capsize, greet, insist, load, sail, stow

pytestmark = pytest.mark.django_db(transaction=True, databases="__all__")

SAIL = [
    (1, "started", ""),
    (2, "query", "SELECT ? AS a FROM port_ship WHERE port_ship.name = ? LIMIT ?"),
    (3, "query", "INSERT INTO port_ship(name) VALUES (?) RETURNING port_ship.id"),
    (4, "query", "UPDATE port_ship SET name = ? WHERE port_ship.name = ?"),
    (5, "commit", "default"),
    (6, "cache", "set ship:Ada:#"),
    (7, "publish", "port.tasks.greet to celery"),
    (8, "connect", "localhost:*"),
    (9, "finished", ""),
    (10, "acknowledgment", ""),
]


def told(history, task):
    return [(each.number, each.kind, each.label) for each in history.points if each.name == task.name]


def test_all_are_listed_in_order(celery_perf, lab, harbour):
    run = celery_perf.run(sail, ["Ada", harbour])
    assert told(run.history, sail) == SAIL
    assert [kind for _, kind, _ in told(run.history, greet)] == ["started", "result", "finished", "acknowledgment"]


def test_each_has_the_users_line(celery_perf, lab, harbour):
    points = [each for each in celery_perf.run(sail, ["Ada", harbour]).history.points if each.name == sail.name]
    assert [each.where and each.where.function for each in points] == [None, *["sail"] * 7, None, None]
    first = points[1].where.line
    # A transaction ends at its `with`.
    assert [each.where.line - first for each in points if each.where] == [0, 4, 5, 2, 6, 7, 8]


def test_they_are_the_same_again(celery_perf, lab, harbour):
    first, second = (celery_perf.run(sail, [name, harbour]).history for name in ("Ada", "Bob"))
    renamed = [(number, kind, label.replace("Bob", "Ada")) for number, kind, label in told(second, sail)]
    assert told(first, sail) == renamed == SAIL


def test_the_end_of_a_transaction_and_another_database(celery_perf, lab):
    points = told(celery_perf.run(capsize, ["Ada"]).history, capsize)
    insert = "INSERT INTO port_ship(name) VALUES (?) RETURNING port_ship.id"
    assert [each[1:] for each in points[1:-2]] == [
        ("query", insert),
        ("rollback", "default"),
        ("query", f"archive: {insert}"),
        ("result", "SUCCESS"),
    ]


def test_results_and_chords(celery_perf, lab):
    points = celery_perf.run(load, ["Ada"]).history.points
    parts = {each.task_id for each in points if each.name == stow.name}
    paths = [[(each.kind, each.label) for each in points if each.task_id == part] for part in parts]
    path = [("started", ""), ("result", "SUCCESS"), ("result", "part of a chord"), ("finished", "")]
    # Whichever comes last publishes what follows.
    callback = [*path[:-1], ("publish", "port.tasks.christen to celery"), path[-1]]
    assert sorted(each[:-1] for each in paths) == sorted([path, callback])


def test_each_attempt_counts_anew(celery_perf, lab):
    points = [each for each in celery_perf.run(insist, ["Ada"]).history.points if each.kind != "acknowledgment"]
    assert [(each.retries, each.number, each.kind) for each in points] == [
        (0, 1, "started"),
        (0, 2, "publish"),
        (0, 3, "result"),
        (0, 4, "finished"),
        (1, 1, "started"),
        (1, 2, "query"),
        (1, 3, "result"),
        (1, 4, "finished"),
    ]


def test_nobody_records_what_nobody_asked_for(celery_perf, harbour):
    assert celery_perf.run(sail, ["Ada", harbour]).history.points == ()
    assert Ship.objects.count() == 1
