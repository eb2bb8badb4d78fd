"""A worker whose image has another user than the tests."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from diary.models import Entry
from stock import tasks
from stock.models import Item
from town.hanging import give_up

pytestmark = [
    pytest.mark.django_db(transaction=True, databases="__all__"),
    pytest.mark.celery_worker(
        name=os.environ["TOWN_BOX"], runtime="container", image=os.environ["TOWN_IMAGE"], concurrency=1
    ),
]


def test_gate(celery_perf, celery_faults):
    with celery_faults.hold(tasks.count_items) as held:
        tasks.count_items.delay()
        held.wait()
        Item.objects.create(name="tea")
    assert celery_perf.wait(timeout="20s").succeeded == 1
    assert [entry.text for entry in Entry.objects.all()] == ["1"]


def test_databases(celery_perf):
    for number in range(3):
        Item.objects.create(name="tea")
        assert celery_perf.run(tasks.count_items, timeout="20s").succeeded == 1
        Entry.objects.filter(text=str(number + 1)).update(text="seen")
    assert [entry.text for entry in Entry.objects.all()] == ["seen"] * 3


def test_belongings():
    spools = Path(tempfile.gettempdir()).glob("pytest-celery-perf-*/run-*/spool/*")
    folders = [folder for spool in spools for folder in spool.iterdir() if folder.is_dir()]
    assert {"4711"} == {str(file.stat().st_uid) for folder in folders for file in folder.iterdir()}
    # Whoever may write in a folder without a sticky bit may remove what anybody has made there.
    assert {(os.getuid(), 0o777)} == {(folder.stat().st_uid, folder.stat().st_mode & 0o1777) for folder in folders}


def test_stack(celery_perf):
    give_up(celery_perf)
