from __future__ import annotations

import pytest
from celery import Celery

from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.worker.needs import unmet


@pytest.fixture
def app() -> Celery:
    app = Celery("shop", set_as_current=False)

    @app.task(name="shop.charge", time_limit=60, shared=False)
    def charge() -> None: ...

    @app.task(name="shop.ship", soft_time_limit=60, shared=False)
    def ship() -> None: ...

    return app


def worker(*options: str, **fields: object) -> WorkerSpec:
    return WorkerSpec(name="main", options=options, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("kind", "specs", "words"),
    [
        ("kill_child", [worker()], ""),
        ("kill_child", [worker("-P", "solo"), worker("-P", "threads")], "the pool solo and threads runs tasks in no"),
        ("kill_child", [worker("-P", "solo"), worker()], ""),
        ("kill_worker", [worker("-P", "solo")], ""),
        ("time_limit", [worker("-P", "gevent")], ""),
        ("time_limit", [worker("-P", "solo"), worker("-P", "threads")], "the pool solo and threads has no hard time"),
        ("soft_time_limit", [worker("-P", "gevent")], "the pool gevent runs tasks in no child process"),
        ("recycle", [worker()], "no worker has --max-memory-per-child"),
        ("recycle", [worker("--max-memory-per-child=1000")], ""),
        ("out_of_memory", [worker()], "no worker has a limit of its memory"),
        ("out_of_memory", [worker(memory_bytes=1 << 28)], ""),
        ("black_hole", [worker()], "let the test use the fixture celery_network, or mark it"),
        ("black_hole", [worker(), worker(network=True)], ""),
        ("soft_shutdown", [worker()], "worker_soft_shutdown_timeout is 0"),
        ("soft_shutdown", [worker(config=(("worker_soft_shutdown_timeout", "3"),))], ""),
    ],
)
def test_workers(app: Celery, kind: str, specs: list[WorkerSpec], words: str) -> None:
    missing = unmet(kind, None, specs, app)
    assert words in missing
    assert bool(words) == bool(missing)


@pytest.mark.parametrize(
    ("kind", "task", "options", "words"),
    [
        ("time_limit", "shop.charge", (), ""),
        ("time_limit", "shop.ship", (), "shop.ship has no time_limit, so that nothing ends it"),
        ("time_limit", "shop.ship", ("--time-limit=300",), ""),
        ("soft_time_limit", "shop.ship", (), ""),
        ("soft_time_limit", "shop.charge", (), "shop.charge has no soft_time_limit"),
        ("time_limit", None, (), ""),
        ("time_limit", "unknown", (), ""),
    ],
)
def test_time_limits(app: Celery, kind: str, task: str | None, options: tuple[str, ...], words: str) -> None:
    missing = unmet(kind, task, [worker(*options)], app)
    assert words in missing
    assert bool(words) == bool(missing)


def test_a_setting_of_the_worker_counts(app: Celery) -> None:
    limited = worker(config=(("task_time_limit", "300"),))
    assert unmet("time_limit", "shop.ship", [limited], app) == ""
    assert "has no soft_time_limit" in unmet("soft_time_limit", "shop.charge", [limited], app)


def test_a_setting_of_the_app_counts(app: Celery) -> None:
    app.conf.update(task_time_limit=300, worker_max_memory_per_child=1000, worker_soft_shutdown_timeout=3.0)
    for kind in ("time_limit", "recycle", "soft_shutdown"):
        assert unmet(kind, "shop.ship", [worker()], app) == ""
