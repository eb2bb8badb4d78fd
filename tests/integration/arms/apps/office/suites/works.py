from __future__ import annotations

import office
import pytest

MIB = 1 << 20


def test_nap(celery_perf):
    office.nap.delay(0.05)


def test_burn(celery_perf):
    office.burn.delay(0.05)


@pytest.mark.celery_regression(metrics=["memory", "drain"], tolerance="10%", noticeable=0.5)
def test_hoard(celery_perf):
    office.hoard.delay(64 * MIB)


def test_many(celery_perf):
    for _ in range(12):
        office.nap.delay(0.01)


def test_hesitant(celery_perf):
    office.hesitate.delay()


@pytest.mark.celery_latency(max="1ms")
def test_over_its_budget():
    office.nap.delay(0.05)


@pytest.mark.parametrize("size", [1, 2])
def test_sized(celery_perf, size):
    office.hoard.delay(size)


def test_seed(celery_perf):
    office.sign.delay("notes")


def test_where(celery_perf, note):
    celery_perf.run(office.nap, [0])
    (worker,) = celery_perf.workers
    (publication,) = celery_perf.history.publications
    note(f"{worker.pid} {publication.queue}")


def test_options(celery_perf, note):
    celery_perf.run(office.nap, [0])
    history = celery_perf.history
    note(f"{history.workers[-1].started_how.split()[0]} {history.tasks['office.nap'].acks_late}")
