from __future__ import annotations

import json
import secrets
import select
import signal
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.worker import engine
from pytest_celery_perf.worker.base import died, not_ready

from .workshop import PATIENCE_S, Workshop, folder_of

pytestmark = pytest.mark.docker


def test_it_runs_tasks_of_the_mounted_project(docker_client: Any, workshop: Workshop, worker_image: str) -> None:
    worker = workshop.boot(workshop.launch(runtime="container", image=worker_image))
    assert worker.started_how == "cold (in a container)"
    assert worker.pid > 0
    told = workshop.wire(among_records_of=worker)
    workshop.send("plain.describe", told.path)
    assert f'"cwd": "{folder_of("plain")}"' in told.heard()
    worker.stop(PATIENCE_S)
    assert worker.exit_status == 0
    assert docker_client.containers.list(all=True, filters={"name": worker.launch.probe.boot}) == []


def test_it_has_nothing_of_ours_but_the_probe(docker_client: Any, workshop: Workshop, worker_image: str) -> None:
    worker = workshop.boot(workshop.launch(runtime="container", image=worker_image))
    container = docker_client.containers.get(f"celery-perf-{worker.launch.probe.boot}")
    status, listing = container.exec_run(["ls", "/opt/celery-perf/pytest_celery_perf"])
    assert (status, listing.decode().split()) == (0, ["__init__.py", "probe"])
    status, _ = container.exec_run(["touch", "/opt/celery-perf/pytest_celery_perf/probe/new"])
    assert status != 0, "the probe is mounted read-only"


@pytest.fixture
def image_of_production(docker_client: Any, worker_image: str) -> Iterator[str]:
    """An image that says where its modules are."""
    tag = f"celery-perf-test/production:{secrets.token_hex(4)}"
    dockerfile = BytesIO(f"FROM {worker_image}\nENV PYTHONPATH=/of/the/image HOME=/home/of/the/image\n".encode())
    docker_client.images.build(fileobj=dockerfile, tag=tag, rm=True, forcerm=True)
    yield tag
    docker_client.images.remove(tag, force=True)


@pytest.mark.parametrize("asked", [{}, {"PYTHONPATH": "/of/the/marker", "HOME": "/home/of/the/marker"}])
def test_it_imports_from_where_image_settings_and_marker_say(
    image_of_production: str, workshop: Workshop, asked: dict[str, str]
) -> None:
    workshop.environment |= {"PYTHONPATH": "/of/the/machine", "HOME": "/home/of/the/machine", "PYTHONHASHSEED": "1"}
    launch = workshop.launch(runtime="container", image=image_of_production, env=tuple(asked.items()))
    told = workshop.wire(
        among_records_of=(worker := workshop.boot(replace(launch, path=(Path("/of/the/ini"), Path("/of/more")))))
    )
    workshop.send("plain.describe", told.path)
    seen = json.loads(told.heard())
    of_the_marker = ["/of/the/marker"] if asked else []
    assert [*of_the_marker, "/of/the/ini", "/of/more", "/of/the/image"] == [
        each for each in seen["path"] if each.startswith("/of/")
    ]
    assert asked.get("HOME", "/home/of/the/image") == seen["home"]
    worker.stop(0, drained=True)


def test_it_writes_to_the_sqlite_database_of_the_test(workshop: Workshop, worker_image: str, tmp_path: Path) -> None:
    database = tmp_path / "data" / "test.sqlite3"
    database.parent.mkdir()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE shop_order (id integer PRIMARY KEY AUTOINCREMENT, title varchar(80))")
    databases = {"default": str(database)}
    launch = workshop.launch("shop.celery:app", databases=databases, runtime="container", image=worker_image)
    told = workshop.wire(among_records_of=workshop.boot(launch))
    workshop.send("shop.tasks.place", told.path, "tea")
    assert told.heard() == "1"
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("SELECT title FROM shop_order").fetchall() == [("tea",)]


def test_an_image_with_a_user_of_its_own_is_built_and_can_write_records(
    docker_client: Any, workshop: Workshop, worker_image: str, tmp_path: Path
) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    # Of the same lines the engine would make one image with those of other tests, which have theirs removed.
    (folder / "Dockerfile").write_text(f"FROM {worker_image}\nLABEL test={tmp_path}\nUSER 4711:4711\n")
    dockerfile = str(folder / "Dockerfile")
    worker = workshop.boot(workshop.launch(runtime="container", dockerfile=dockerfile))
    container = docker_client.containers.get(f"celery-perf-{worker.launch.probe.boot}")
    [tag] = [tag for tag in container.image.tags if tag.startswith("celery-perf/worker:")]
    try:
        assert container.exec_run(["id", "-u"]).output.decode().strip() == "4711"
        worker.stop(0, drained=True)
    finally:
        docker_client.images.remove(tag, force=True)


def test_an_image_with_a_user_of_its_own_writes_to_an_sqlite_database_that_the_test_writes_to(
    stranger_image: str, workshop: Workshop
) -> None:
    database = workshop.run.databases / "test.sqlite3"
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE shop_order (id integer PRIMARY KEY AUTOINCREMENT, title varchar(80))")
        assert len(list(database.parent.iterdir())) == 3, "the log is there before the worker"
        databases = {"default": str(database)}
        launch = workshop.launch("shop.celery:app", databases=databases, runtime="container", image=stranger_image)
        worker = workshop.boot(launch)
        for number in range(3):
            told = workshop.wire(among_records_of=worker)
            workshop.send("shop.tasks.place", told.path, "tea")
            assert told.heard() == str(2 * number + 1)
            with connection:
                connection.execute("INSERT INTO shop_order (title) VALUES ('milk')")


def test_the_modes_of_a_users_own_files_stay(stranger_image: str, workshop: Workshop, tmp_path: Path) -> None:
    database = tmp_path / "data" / "test.sqlite3"
    database.parent.mkdir(mode=0o700)
    database.touch(mode=0o600)
    databases = {"default": str(database)}
    workshop.boot(workshop.launch(databases=databases, runtime="container", image=stranger_image))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (database.parent, database)] == [0o700, 0o600]


def test_a_dockerfile_that_cannot_be_built_says_why(workshop: Workshop, worker_image: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {worker_image}\nRUN echo no licence; exit 3\n")
    with pytest.raises(WorkerError, match=r"(?s)Dockerfile cannot be built: .*no licence"):
        workshop.start(workshop.launch(runtime="container", dockerfile=str(tmp_path / "Dockerfile")))


def test_limits_are_the_containers(docker_client: Any, workshop: Workshop, worker_image: str) -> None:
    launch = workshop.launch(runtime="container", image=worker_image, cpus=0.5, memory_bytes=256 << 20)
    worker = workshop.boot(launch)
    limits = docker_client.containers.get(f"celery-perf-{worker.launch.probe.boot}").attrs["HostConfig"]
    assert limits["NanoCpus"] == 500_000_000
    assert limits["Memory"] == limits["MemorySwap"] == 256 << 20


def test_too_little_memory_is_named_as_the_cause(workshop: Workshop, worker_image: str) -> None:
    worker = workshop.start(workshop.launch(runtime="container", image=worker_image, memory_bytes=16 << 20))
    assert select.select([worker.exit_fd], [], [], PATIENCE_S)[0]
    message = str(died(worker, "before it was ready"))
    assert "was killed by SIGKILL before it was ready" in message
    assert "it used more memory than" in message


def test_a_kill_ends_the_container(workshop: Workshop, worker_image: str) -> None:
    worker = workshop.boot(workshop.launch(runtime="container", image=worker_image))
    worker.kill()
    assert select.select([worker.exit_fd], [], [], PATIENCE_S)[0]
    assert worker.exit_status == -signal.SIGKILL


def test_refused_options_end_it_with_celerys_message(workshop: Workshop, worker_image: str) -> None:
    launch = workshop.launch(runtime="container", image=worker_image)
    worker = workshop.start(replace(launch, spec=replace(launch.spec, options=("--concurency=3",))))
    assert select.select([worker.exit_fd], [], [], PATIENCE_S)[0]
    assert worker.exit_status == 2
    assert "No such option" in worker.log_tail()[-1]


def test_tests_in_a_container_share_their_loopback_with_the_worker(
    docker_client: Any, workshop: Workshop, worker_image: str, redis_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = docker_client.containers.run(redis_image, ["redis-server", "--protected-mode", "no"], detach=True)
    try:
        server.reload()
        mounts = [{"Type": "bind", "Source": "/", "Destination": "/"}]
        own = SimpleNamespace(id=server.id, attrs={"Mounts": mounts})
        monkeypatch.setattr(engine, "_own_container", lambda _: own)
        workshop.url = "redis://127.0.0.1:6379/0"
        address = f"redis://{server.attrs['NetworkSettings']['Networks']['bridge']['IPAddress']}:6379/0"
        workshop.publisher = Celery("publisher", broker=address, set_as_current=False)
        worker = workshop.boot(workshop.launch(runtime="container", image=worker_image))
        told = workshop.wire(among_records_of=worker)
        workshop.send("plain.tell", told.path, "done")
        assert told.heard() == "done"
        worker.stop(0, drained=True)
    finally:
        server.remove(force=True, v=True)


def test_who_does_not_reach_the_broker_from_a_rootless_engine_is_told_why(
    docker_client: Any, workshop: Workshop, worker_image: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An engine of root's, too, keeps the containers of another network from the loopback.
    info = docker_client.info() | {"SecurityOptions": ["name=seccomp,profile=builtin", "name=rootless"]}
    monkeypatch.setattr(type(docker_client), "info", lambda _: info)
    worker = workshop.start(workshop.launch(runtime="container", image=worker_image))
    while not any("Cannot connect to redis://" in line for line in worker.log_tail()):
        assert not select.select([worker.exit_fd], [], [], 0.05)[0]
    message = str(not_ready(worker, 60.0))
    assert "w@here was not ready after 60 s (a rootless engine keeps its containers from servers on this" in message
    assert "use runtime='process', or an engine that runs as root); its last lines:\n" in message
    assert "Cannot connect to redis://:**@host.docker.internal:" in message


def test_an_image_that_nobody_has_is_an_error(docker_client: Any, workshop: Workshop) -> None:
    with pytest.raises(WorkerError, match=r"no image 'localhost:1/nothing:here' and cannot pull it: "):
        workshop.start(workshop.launch(runtime="container", image="localhost:1/nothing:here"))
