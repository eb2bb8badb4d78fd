"""Boots workers of the apps beside this file, and ends them."""

from __future__ import annotations

import os
import secrets
import select
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from celery import Celery

from pytest_celery_perf.collect.spool import Spool
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe import wire
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.probe.journal import clock_id
from pytest_celery_perf.rundir import RunDirectory
from pytest_celery_perf.worker.base import Launch, Worker, died
from pytest_celery_perf.worker.choice import create
from pytest_celery_perf.worker.options import split
from pytest_celery_perf.worker.warm import Zygote

APPS = Path(__file__).parent / "apps"
PATIENCE_S = 60.0


class Wire:
    """A FIFO by which a task tells something to the test."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        path.chmod(0o666)  # a worker in a container may have another user
        self.path = str(path)
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def heard(self) -> str:
        poll = select.poll()
        poll.register(self._fd, select.POLLIN)
        text = ""
        while not text.endswith("\n"):
            assert poll.poll(PATIENCE_S * 1000), f"no task wrote to {self.path}, only {text!r}"
            text += os.read(self._fd, 65536).decode()
        return text.strip()

    def close(self) -> None:
        os.close(self._fd)


class Workshop:
    """Starts workers of the apps beside this file, and ends them with the test."""

    def __init__(self, stack: ExitStack, run: RunDirectory, guard: Guard, url: str) -> None:
        self.run = run
        self.guard = guard
        self.url = url
        self.environment = {**os.environ, **guard.environment}
        self.publisher = Celery("publisher", broker=url, set_as_current=False)
        self._stack = stack
        self._spool = stack.enter_context(closing(Spool(run.spool, run.doorbell)))

    def launch(
        self, app: str = "plain:app", options: str = "-P solo", *, databases: dict[str, str] | None = None, **spec: Any
    ) -> Launch:
        boot = f"w-{secrets.token_hex(6)}"
        spool = self.run.spool / boot
        spool.mkdir(mode=0o700)
        return Launch(
            spec=WorkerSpec(name="w", options=split(options, "the test"), **spec),
            node="w@here",
            app=app,
            probe=ProbeConfig(
                spool=str(spool),
                doorbell=str(self.run.doorbell),
                boot=boot,
                clock=clock_id(),
                broker_url=self.url,
                config={"worker_prefetch_multiplier": 3},
                databases=databases or {},
            ),
            environment=tuple({**self.environment, "CELERY_PERF_EXTRA": "extra"}.items()),
            cwd=folder_of(app),
            log=self.run.path / f"{boot}.log",
        )

    def zygote(self, app: str = "plain:app") -> Zygote:
        log = self.run.path / "zygote.log"
        zygote = Zygote(app=app, environment=self.environment, cwd=folder_of(app), log=log, guard=self.guard)
        self._stack.callback(zygote.close)
        zygote.start()
        return zygote

    def start(self, launch: Launch, zygote: Zygote | None = None) -> Worker:
        worker = create(launch, self.guard, zygote)
        self._stack.callback(worker.stop, 0.0, drained=True)
        worker.start()
        return worker

    def boot(self, launch: Launch, zygote: Zygote | None = None) -> Worker:
        worker = self.start(launch, zygote)
        self.wait_ready(worker)
        return worker

    def wait_ready(self, worker: Worker) -> None:
        while True:
            for spooled in self._spool.read():
                if isinstance(spooled.record, wire.Ready) and worker.launch.probe.boot in spooled.file:
                    assert spooled.record.started == worker.started_how
                    return
            if not worker.alive:
                raise died(worker, "before it was ready")
            self._spool.wait(PATIENCE_S, worker.exit_fd)

    def send(self, task: str, *args: object) -> None:
        self.publisher.send_task(task, args=args)

    def wire(self, among_records_of: Worker | None = None) -> Wire:
        """Make a FIFO; a worker in a container finds it where its records are."""
        folder = Path(among_records_of.launch.probe.spool) if among_records_of else self.run.path
        return self._stack.enter_context(closing(Wire(folder / f"fifo-{secrets.token_hex(4)}")))


def folder_of(app: str) -> Path:
    return APPS / ("shop" if app.startswith("shop") else "plain")


@contextmanager
def a_run(parent: Path) -> Iterator[tuple[RunDirectory, Guard]]:
    run = RunDirectory.create(parent)
    try:
        with Guard() as guard:
            yield run, guard
    finally:
        run.remove()
