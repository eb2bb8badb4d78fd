"""A topology of running workers on one database of the broker."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.runner.app import Clients
from pytest_celery_perf.runner.reader import Reader
from pytest_celery_perf.worker.base import Launch, Worker, died, not_ready

if TYPE_CHECKING:
    from pytest_celery_perf.network.links import Links

BOOT_TIMEOUT_S = 60.0
"""Longer than any worker takes that will ever be ready."""
STOP_GRACE_S = 10.0

Starter = Callable[[Launch], Worker]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where workers run; the same for all of a session."""

    app: str
    cwd: Path
    environment: tuple[tuple[str, str], ...]
    logs: Path
    spool: Path
    host: str
    path: tuple[Path, ...] = ()
    """Folders from which the tests import, but for ``cwd``."""


@dataclass(slots=True)
class Member:
    """A running worker of a pool."""

    boot: str
    worker: Worker

    @property
    def spec(self) -> WorkerSpec:
        """What it was started from."""
        return self.worker.launch.spec


class Pool:
    """Workers that run together.

    Args:
        topology: What to run.
        broker: Where they take their messages.
        probe: What all probes of this pool are told.
        site: Where they run.
        start: Starts a worker.
        reader: Tells when they are ready.
        links: Their network, if faults may be played on it; closed with the pool.
    """

    def __init__(
        self,
        topology: tuple[WorkerSpec, ...],
        *,
        broker: Broker,
        probe: ProbeConfig,
        site: Site,
        start: Starter,
        reader: Reader,
        links: Links | None = None,
    ) -> None:
        self.topology = topology
        self.broker = broker
        self.probe = probe if links is None else links.for_test()
        self.links = links
        self.members: list[Member] = []
        self.retired: list[Member] = []
        """Those that died and were replaced; their records are still to be judged."""
        self.clients = Clients()
        self.hurt = False
        """Whether a test has done something to it after which no other test may have it."""
        self._probe = probe
        self._site = site
        self._start = start
        self._reader = reader

    def start(self) -> None:
        """Start all workers and return when all are ready.

        Raises:
            WorkerError: One of them could not be started or died.
        """
        # Noted one by one, so that what did start is stopped if the next one does not.
        for spec in self.topology:
            self.members.append(self._launch(spec))
        self.wait_ready(self.members)

    def _launch(self, spec: WorkerSpec) -> Member:
        boot = f"{spec.name}-{secrets.token_hex(6)}"
        spool = self._site.spool / boot
        spool.mkdir(mode=0o700)
        probe = self._probe if self.links is None else self.links.for_worker(spec.name)
        launch = Launch(
            spec=spec,
            node=f"{spec.name}@{self._site.host}",
            app=self._site.app,
            probe=replace(probe, spool=str(spool), boot=boot, config={**probe.config, **_settings(spec)}),
            environment=tuple({**dict(self._site.environment), **dict(spec.env)}.items()),
            cwd=self._site.cwd,
            log=self._site.logs / f"{boot}.log",
            path=self._site.path,
        )
        worker = self._start(launch)
        worker.start()
        return Member(boot, worker)

    def wait_ready(self, members: list[Member]) -> None:
        """Wait until workers say that they consume.

        Raises:
            WorkerError: One of them died, or is not ready after a minute.
        """
        deadline = time.monotonic() + BOOT_TIMEOUT_S
        while True:
            self._reader.pump()
            waiting = [member for member in members if member.boot not in self._reader.ledger.workers]
            if not waiting:
                return
            for member in waiting:
                if not member.worker.alive:
                    self.hurt = True
                    raise died(member.worker, "before it was ready")
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                self.hurt = True
                raise not_ready(waiting[0].worker, BOOT_TIMEOUT_S)
            self._reader.spool.wait(left_s, *(member.worker.exit_fd for member in waiting))

    def replace(self, member: Member) -> Member:
        """Put a new worker in the place of one that has died; it is not ready yet."""
        successor = self._launch(member.spec)
        self.members[self.members.index(member)] = successor
        self.retired.append(member)
        return successor

    def mend(self, boots: Collection[str]) -> None:
        """Put new workers in the places of those that a test has hurt; they are not ready yet.

        Args:
            boots: Of workers in which nothing is left to lose.
        """
        hurt = [member for member in self.members if member.boot in boots]
        self._remove([*self.retired, *hurt], drained=True)
        for member in hurt:
            self.replace(member)
        self.retired.clear()
        self.hurt = False

    @property
    def exit_fds(self) -> tuple[int, ...]:
        """Descriptors that become readable when a worker ends."""
        return tuple(member.worker.exit_fd for member in self.members if member.worker.alive)

    def stop(self, *, drained: bool) -> None:
        """Stop all workers.

        Args:
            drained: Whether nothing is left in them to lose, so that they can be killed.
        """
        self._remove([*self.retired, *self.members], drained=drained)
        self.retired.clear()
        self.members.clear()
        self.clients.close()
        if self.links is not None:
            self.links.close()

    def _remove(self, members: list[Member], *, drained: bool) -> None:
        for member in members:
            member.worker.stop(STOP_GRACE_S, drained=drained)
            self._reader.pump()
            self._reader.forget(member.boot)


def _settings(spec: WorkerSpec) -> dict[str, object]:
    return {name: json.loads(value) for name, value in spec.config}
