from __future__ import annotations

import json
import select
from pathlib import Path

import pytest

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.worker.base import died
from pytest_celery_perf.worker.choice import create

from .workshop import PATIENCE_S, Workshop, folder_of


@pytest.mark.parametrize("start", ["warm", "cold"])
@pytest.mark.parametrize("pool", ["prefork", "threads", "solo"])
def test_every_pool_runs_tasks(workshop: Workshop, pool: str, start: str) -> None:
    zygote = workshop.zygote() if start == "warm" else None
    worker = workshop.boot(workshop.launch(options=f"-P {pool} -c 2", start=start), zygote)
    told = workshop.wire()
    workshop.send("plain.origin", told.path)
    importer, runner = map(int, told.heard().split())
    assert worker.alive
    assert (importer == worker.pid) == (start == "cold"), "a warm worker never imports the app itself"
    assert (runner == worker.pid) == (pool != "prefork")


@pytest.mark.gevent
def test_gevent_starts_cold_and_patched_before_the_app_is_imported(workshop: Workshop) -> None:
    pytest.importorskip("gevent", reason="the pool needs it: pip install pytest-celery-perf[gevent]")
    worker = workshop.boot(workshop.launch(options="-P gevent -c 10"), workshop.zygote())
    assert worker.started_how == "cold (gevent patches the standard library before the app is imported)"
    told = workshop.wire()
    workshop.send("plain.tell", told.path, "done")
    assert told.heard() == "done"


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_warm_and_cold_workers_look_the_same_to_a_task(workshop: Workshop, pool: str) -> None:
    zygote = workshop.zygote()
    seen = []
    for start in ("warm", "cold"):
        worker = workshop.boot(workshop.launch(options=f"-P {pool} -c 1", start=start), zygote)
        told = workshop.wire()
        workshop.send("plain.describe", told.path)
        seen.append(json.loads(told.heard()))
        worker.stop(0, drained=True)
    warm, cold = seen
    assert warm == cold
    assert warm["imported_as"] == ["celery", "-A", "plain:app", "worker"]
    assert warm["options"] == ["-P", pool, "-c", "1", "--without-mingle", "--without-gossip", "-n", "w@here"]
    assert warm["cwd"] == str(folder_of("plain"))
    assert warm["cwd_on_path"]
    assert warm["extra"] == "extra"
    assert warm["parent_variable"] is None
    assert warm["configured"] == 3
    assert warm["frozen"] == 0


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_a_django_worker_uses_the_database_of_the_test(workshop: Workshop, tmp_path: Path, start: str) -> None:
    import sqlite3
    from contextlib import closing

    database = tmp_path / "test.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE shop_order (id integer PRIMARY KEY AUTOINCREMENT, title varchar(80))")
    zygote = workshop.zygote("shop.celery:app") if start == "warm" else None
    launch = workshop.launch("shop.celery:app", "-c 1", databases={"default": str(database)}, start=start)
    workshop.boot(launch, zygote)
    for count in ("1", "2"):
        told = workshop.wire()
        workshop.send("shop.tasks.place", told.path, "tea")
        assert told.heard() == count


def test_two_warm_workers_share_nothing(workshop: Workshop) -> None:
    zygote = workshop.zygote()
    first, second = (workshop.boot(workshop.launch(options=f"-P solo -Q {queue}"), zygote) for queue in "ab")
    first.stop(PATIENCE_S)
    told = workshop.wire()
    workshop.publisher.send_task("plain.tell", args=(told.path, "still here"), queue="b")
    assert told.heard() == "still here"
    assert first.exit_status == 0
    assert second.exit_status is None


@pytest.mark.parametrize(
    ("app", "reason"),
    [
        ("broken", "importing broken failed: LookupError: the secret key is not set"),
        ("threaded:app", "importing the app started a thread (metrics)"),
        ("connected:app", "importing the app opened a socket"),
    ],
)
def test_an_app_that_must_not_be_forked_says_why(workshop: Workshop, app: str, reason: str) -> None:
    worker = create(workshop.launch(app), workshop.guard, workshop.zygote(app))
    assert worker.started_how.startswith(f"cold ({reason}")


def test_an_unsound_app_starts_cold(workshop: Workshop) -> None:
    workshop.boot(workshop.launch("threaded:app"), workshop.zygote("threaded:app"))
    told = workshop.wire()
    workshop.send("plain.tell", told.path, "done")
    assert told.heard() == "done"


def test_a_demanded_warm_start_that_is_unsound_is_an_error(workshop: Workshop) -> None:
    with pytest.raises(WorkerError, match=r"w@here cannot be started warm: importing the app started a thread"):
        create(workshop.launch("threaded:app", start="warm"), workshop.guard, workshop.zygote("threaded:app"))


def test_another_environment_needs_a_cold_start(workshop: Workshop) -> None:
    zygote = workshop.zygote()
    workshop.environment["SECRET_KEY"] = "another"
    worker = create(workshop.launch(), workshop.guard, zygote)
    assert worker.started_how == "cold (the variable SECRET_KEY is not as it was when the app was imported)"


def test_a_lost_preloaded_process_means_cold_starts(workshop: Workshop) -> None:
    zygote = workshop.zygote()
    assert create(workshop.launch(), workshop.guard, zygote).started_how == "warm"
    zygote.close()
    worker = create(workshop.launch(), workshop.guard, zygote)
    assert worker.started_how == "cold (the preloaded process has ended)"


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_a_worker_that_ends_while_booting_is_reported(workshop: Workshop, start: str) -> None:
    zygote = workshop.zygote("doomed:app") if start == "warm" else None
    worker = workshop.start(workshop.launch("doomed:app", start=start), zygote)
    assert select.select([worker.exit_fd], [], [], PATIENCE_S)[0]
    assert worker.exit_status == 7
    message = str(died(worker, "before it was ready"))
    assert message.startswith("worker w@here exited with status 7 before it was ready; its last lines:\n")
    assert "the licence has expired" in message


def test_a_worker_whose_app_is_missing_ends_at_once(workshop: Workshop) -> None:
    worker = workshop.start(workshop.launch("nowhere:app"))
    assert select.select([worker.exit_fd], [], [], PATIENCE_S)[0]
    assert worker.exit_status == 2
    assert worker.log_tail()[-2:] == ("Unable to load celery application.", "The module nowhere was not found.")


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_options_that_celery_refuses_end_the_worker_with_its_message(workshop: Workshop, start: str) -> None:
    from dataclasses import replace

    zygote = workshop.zygote() if start == "warm" else None
    launch = workshop.launch(start=start)
    worker = workshop.start(replace(launch, spec=replace(launch.spec, options=("--concurency=3",))), zygote)
    assert select.select([worker.exit_fd], [], [], PATIENCE_S)[0]
    assert worker.exit_status == 2
    assert "No such option" in worker.log_tail()[-1]
    assert "--concurency" in worker.log_tail()[-1]


def test_options_that_make_a_daemon_change_nothing(workshop: Workshop, tmp_path: Path) -> None:
    pidfile, logfile = tmp_path / "worker.pid", tmp_path / "worker.log"
    options = f"-P solo --detach --pidfile={pidfile} --logfile={logfile} -n other@host"
    worker = workshop.boot(workshop.launch(options=options))
    assert worker.alive
    assert not pidfile.exists()
    assert not logfile.exists()


def test_mingle_comes_back_on_demand(workshop: Workshop) -> None:
    workshop.boot(workshop.launch(options="-P solo -l INFO"))
    other = workshop.boot(workshop.launch(options="-P solo -l INFO --with-mingle"))
    assert any("mingle" in line for line in other.log_tail(100))
