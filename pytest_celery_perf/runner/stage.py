"""What outlives a test: the broker and the pools of workers."""

from __future__ import annotations

import itertools
import socket
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.broker import inspect, ports
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.choose import choose
from pytest_celery_perf.errors import BrokerError, ConfigurationError
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.probe.overrides import Override, has_foreign_results, overrides_for
from pytest_celery_perf.runner import app as app_under_test
from pytest_celery_perf.runner.pool import Pool, Site
from pytest_celery_perf.runner.reader import Reader
from pytest_celery_perf.worker.base import Launch, Worker
from pytest_celery_perf.worker.choice import create
from pytest_celery_perf.worker.engine import listening_address

if TYPE_CHECKING:
    from pytest_celery_perf.network.links import Links
    from pytest_celery_perf.runner.groundwork import Groundwork

POOLS_KEPT = 3
"""How many topologies stay warm. Tests of one file mostly ask for one or two."""
BROKER_PATIENCE_S = 5.0
"""How long the shared broker may take to answer before each test, or it counts as gone."""
DATABASES_EACH = 16
"""Logical databases of the broker for each pytest process: one a pool, the last for caches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlan:
    """What the stage needs to know from the settings."""

    app: str
    broker: str
    image: str
    logs: Path | None
    broker_source: str = "celery_perf_broker"
    """The setting or option that says which broker."""
    slot: int = 0
    """Which of the pytest processes that share the broker this is."""
    config: Mapping[str, object] = field(default_factory=dict)
    """Celery settings that the app has in this run, by new-style name; what a test says of its worker goes before."""
    cores: tuple[int, ...] = ()
    """Where workers run; empty: anywhere."""


@dataclass(slots=True)
class ProjectState:
    """What only the project's test framework knows, and only once its set-up has run."""

    databases: dict[str, str] = field(default_factory=dict)
    """The test databases' names by Django alias."""
    closed: tuple[str, ...] = ()
    """Aliases of the databases of which there is none for the tests."""
    caches: tuple[str, ...] = ()
    """Aliases of the caches that live in Redis."""
    file_caches: tuple[str, ...] = ()
    """Aliases of those that live in directories."""


class Stage:
    """Everything that tests share.

    Args:
        plan: The settings.
        ground: What it stands on.
        broker: A broker that somebody else runs; None to choose and start one when it is first needed.

    Raises:
        ConfigurationError: The app cannot be loaded, or there can be no directory for the logs.
    """

    def __init__(self, plan: StagePlan, ground: Groundwork, *, broker: Broker | None = None) -> None:
        self._plan = plan
        self._ground = ground
        self._rundir = ground.rundir
        self._guard = ground.guard
        self._broker = broker
        self._owns_broker = broker is None
        self._spare: Broker | None = None
        """The broker of the last isolated pool, for the next one: to start one takes a second in a container."""
        self._pools: OrderedDict[tuple[WorkerSpec, ...], Pool] = OrderedDict()
        self._free = list(range(DATABASES_EACH - 1))[::-1]
        self._used: set[int] = set()
        self._database: dict[int, int] = {}
        self._prefixes = itertools.count()
        self.project = ProjectState()
        self.reader = Reader(self._rundir.spool, self._rundir.doorbell)
        self.app: Any = app_under_test.load(plan.app)
        if broker is not None and broker.key_prefix:
            # Whoever runs the broker may be killed first, and delete what our workers then write again.
            self._guard.keys(broker.url(0), self._own_keys(broker))
        if plan.logs is not None:
            try:
                plan.logs.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise ConfigurationError(
                    f"celery_perf_logs: {plan.logs} cannot be made: {error.strerror}; name another directory"
                ) from None

    # -- the broker ------------------------------------------------------------------------

    @property
    def broker(self) -> Broker:
        """The broker that tests share, started on first use."""
        if self._broker is None:
            self._broker = self._choose(append_only=False)
        return self._broker

    def _choose(self, *, append_only: bool) -> Broker:
        broker = choose(
            self._plan.broker,
            image=self._plan.image,
            rundir=self._rundir,
            guard=self._guard,
            append_only=append_only,
            what=self._plan.broker_source,
        )
        broker.start()
        return broker

    def probe_config(self, broker: Broker, database: int) -> ProbeConfig:
        """Say where a pool's broker and databases are; a worker's own values are filled in later."""
        slot = self._plan.slot if broker is self._broker else 0
        url, prefix = broker.url(0), ""
        if broker.key_prefix:
            # Never one that was used before: a killed pool has left its keys there.
            prefix = f"{self._own_keys(broker)}{next(self._prefixes)}:"
        else:
            url = broker.url(slot * DATABASES_EACH + database)
        return ProbeConfig(
            spool="",
            doorbell=str(self._rundir.doorbell),
            boot="",
            clock=self.reader.ledger.clock,
            broker_url=url,
            result_backend=url,
            transport_options={"global_keyprefix": prefix} if prefix else {},
            config=dict(self._plan.config),
            cores=self._plan.cores,
            databases=self.project.databases,
            closed=self.project.closed,
            caches=self._caches(broker, slot),
            folders=self._folders(),
        )

    def _own_keys(self, broker: Broker) -> str:
        """Return what the keys of this pytest process begin with, on a user's server."""
        return f"{broker.key_prefix}{self._plan.slot}."

    def _caches(self, broker: Broker, slot: int) -> dict[str, str]:
        # On a user's own server `cache.clear()` would flush what is not ours.
        if broker.key_prefix:
            return {}
        url = broker.url((slot + 1) * DATABASES_EACH - 1)
        return dict.fromkeys(self.project.caches, url)

    def _folders(self) -> dict[str, str]:
        return {alias: str(self._rundir.path / "caches" / alias) for alias in self.project.file_caches}

    def overrides(self) -> list[Override]:
        """Say what the app's settings will have to be replaced by."""
        return overrides_for(self.app.conf, self.probe_config(self.broker, 0))

    # -- workers ---------------------------------------------------------------------------

    @property
    def _site(self) -> Site:
        return Site(
            app=self._plan.app,
            cwd=Path.cwd(),
            environment=tuple(self._ground.environment.items()),
            logs=self._plan.logs or self._rundir.path / "logs",
            spool=self._rundir.spool,
            host=socket.gethostname(),
            path=self._ground.path,
        )

    def _start(self, launch: Launch) -> Worker:
        return create(launch, self._guard, self._ground.zygote)

    def pool_for(self, topology: tuple[WorkerSpec, ...]) -> Pool:
        """Return running, unhurt workers of a topology, started now or reused.

        Raises:
            BrokerError, WorkerError: They could not be started.
        """
        self._revive_broker()
        pool = self._pools.get(topology)
        if pool is not None and not pool.hurt and all(member.worker.alive for member in pool.members):
            self._pools.move_to_end(topology)
            pool.wait_ready(pool.members)  # some may be new
            return pool
        if pool is not None:
            self._discard(topology)
        while len(self._pools) >= POOLS_KEPT:
            self._discard(next(iter(self._pools)))
        zygote = self._ground.zygote
        if zygote is not None and not self._pools and zygote.changed(self._ground.environment):
            self._ground.preload(self._plan.app)  # a fixture of the whole session has set a variable since
        database = self._empty_database()
        pool = self._new_pool(topology, self.broker, database)
        self._pools[topology], self._database[id(pool)] = pool, database
        pool.start()
        return pool

    def _revive_broker(self) -> None:
        """Start the shared broker again if a test has killed it, or something else has; fail where that is not ours."""
        if self.broker.ping(BROKER_PATIENCE_S):
            return
        try:
            self.broker.restart()
        except BrokerError as error:
            raise BrokerError(f"the broker of this test run does not answer any more: {error}") from error
        for pool in self._pools.values():
            pool.hurt = True  # its workers have declared their queues to a server that knows nothing of them any more

    def isolated_pool(self, topology: tuple[WorkerSpec, ...]) -> Pool:
        """Return workers on a broker of their own, which keeps its data when it is killed."""
        pool = self._new_pool(topology, self._own_broker(), 0)
        try:
            pool.start()
        except BaseException:
            self.give_back(pool)
            raise
        return pool

    def _own_broker(self) -> Broker:
        """Return a broker that nobody uses: one that an isolated pool had before, if it still answers."""
        spare, self._spare = self._spare, None
        if spare is not None and spare.ping():
            inspect.empty(spare)
            return spare
        if spare is not None:
            spare.stop()
        return self._choose(append_only=True)

    def _new_pool(self, topology: tuple[WorkerSpec, ...], broker: Broker, database: int) -> Pool:
        probe = self.probe_config(broker, database)
        if any(spec.runtime == "container" for spec in topology):
            # There another user may write, whose files we could not remove; the project's own folder may be mounted.
            probe = replace(probe, folders={})
        return Pool(
            topology,
            broker=broker,
            probe=probe,
            site=self._site,
            start=self._start,
            reader=self.reader,
            links=self._links(topology, probe),
        )

    def _links(self, topology: tuple[WorkerSpec, ...], probe: ProbeConfig) -> Links | None:
        if not any(spec.network for spec in topology):
            return None
        from pytest_celery_perf.network.links import Links
        from pytest_celery_perf.network.proxy import HOST

        workers = {spec.name: listening_address() if spec.bridge else HOST for spec in topology if spec.network}
        return Links(probe, workers=workers, results=has_foreign_results(self.app.conf), ports=ports.candidates)

    def _discard(self, topology: tuple[WorkerSpec, ...]) -> None:
        pool = self._pools.pop(topology)
        pool.stop(drained=True)
        self._free.append(self._database.pop(id(pool)))

    def _empty_database(self) -> int:
        """Take a free database of the broker, which the pool before has left as it was."""
        database = self._free.pop()
        if database in self._used and not self.broker.key_prefix:
            inspect.flush(self.broker, self._plan.slot * DATABASES_EACH + database)
        self._used.add(database)
        return database

    def give_back(self, pool: Pool) -> None:
        """Take a pool back from a test."""
        if pool.topology in self._pools and self._pools[pool.topology] is pool:
            if pool.hurt:
                self._discard(pool.topology)
        else:
            pool.stop(drained=True)
            if pool.broker.kind == "external" or self._spare is not None:
                pool.broker.stop()
            else:
                self._spare = pool.broker

    def stop_workers(self) -> None:
        """Stop all workers."""
        for topology in list(self._pools):
            self._discard(topology)

    def close(self) -> None:
        """Stop everything."""
        self.stop_workers()
        if self._spare is not None:
            self._spare.stop()
        if self._broker is not None and self._owns_broker:
            self._broker.stop()
        self.reader.close()
