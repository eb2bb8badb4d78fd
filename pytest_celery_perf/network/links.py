"""The links of a pool: between each worker, and the test itself, and what they talk to on the broker's server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import replace
from urllib.parse import urlsplit

from pytest_celery_perf.errors import BrokerError, ConfigurationError
from pytest_celery_perf.model.arguments import one_of, sequence
from pytest_celery_perf.network.proxy import HOST
from pytest_celery_perf.network.remote import ProxyProcess, RemoteProxy
from pytest_celery_perf.network.stretch import BROKER, KINDS, PUBLISHER, RESULTS, Link, Stretch
from pytest_celery_perf.probe.config import ProbeConfig


class Links:
    """A proxy for each link; until a toxic is added they change nothing.

    Args:
        config: What the pool's workers would be told without.
        workers: The names of those that shall be told of the proxies instead, with the address where these listen.
        results: Whether the app keeps its results on the server.
        ports: Yields ports to try.

    Raises:
        BrokerError: The server cannot be reached over a proxy, or there is no port for one.
    """

    def __init__(
        self, config: ProbeConfig, *, workers: Mapping[str, str], results: bool, ports: Callable[[], Iterable[int]]
    ) -> None:
        self._config = config
        self._results = results
        self.workers = tuple(workers)
        server = _server(config.broker_url or "")
        kinds = (BROKER, RESULTS) if results else (BROKER,)
        links = [Link(kind=kind, worker=worker) for worker in self.workers for kind in kinds]
        links += [Link(kind=PUBLISHER), *([Link(kind=RESULTS)] if results else [])]
        self._proxies: dict[Link, RemoteProxy] = {}
        with ExitStack() as stack:
            process = stack.enter_context(ProxyProcess())
            for link in links:
                self._proxies[link] = process.proxy(server, workers.get(link.worker, HOST), ports())
            self._closing = stack.pop_all()

    def for_worker(self, name: str) -> ProbeConfig:
        """Return what a worker is told."""
        if name not in self.workers:
            return self._config
        return replace(
            self._config,
            broker_url=self._url(Link(kind=BROKER, worker=name), self._config.broker_url),
            result_backend=self._url(Link(kind=RESULTS, worker=name), self._config.result_backend),
            caches=self._caches(name),
        )

    def for_test(self) -> ProbeConfig:
        """Return what the test process is told: it publishes over a proxy, and asks the broker directly."""
        return replace(
            self._config,
            broker_write_url=self._url(Link(kind=PUBLISHER), self._config.broker_url),
            result_backend=self._url(Link(kind=RESULTS), self._config.result_backend),
        )

    def choose(self, kinds: str | Iterable[str], worker: str | None, what: str) -> Stretch:
        """Choose some.

        Args:
            kinds: One of `KINDS`, or several.
            worker: Only this one's; None for those of all workers and of the test.
            what: For which method, named in an error.

        Raises:
            ConfigurationError: There are no such links.
        """
        wanted = [kinds] if isinstance(kinds, str) else sequence(kinds, f"{what}: link", "links")
        if not wanted:
            raise ConfigurationError(f"{what}: link={kinds!r} names none of {', '.join(KINDS)}")
        if worker is not None:
            one_of(worker, f"{what}: worker", *self.workers)
        for kind in wanted:
            if one_of(kind, f"{what}: link", *KINDS) == RESULTS and not self._results:
                raise ConfigurationError(f"{what}: link={kind!r}: the app keeps no results on the broker's server")
            if kind == PUBLISHER and worker is not None:
                raise ConfigurationError(f"{what}: link={kind!r} is the test's: there is none of worker={worker!r}")
        chosen = {
            link: proxy
            for link, proxy in self._proxies.items()
            if link.kind in wanted and worker in {None, link.worker}
        }
        return Stretch(chosen)

    def hang_up(self, worker: str) -> None:
        """End what is left of the connections to the broker of a worker that has died, if they go over a proxy."""
        proxy = self._proxies.get(Link(kind=BROKER, worker=worker))
        if proxy is not None:
            proxy.end_connections()

    def close(self) -> None:
        """End them all."""
        self._closing.close()

    def _caches(self, name: str) -> dict[str, str]:
        """Return where a worker's caches are: only one that does not share our network needs a proxy for them."""
        link, caches = Link(kind=BROKER, worker=name), self._config.caches
        if self._proxies[link].host == HOST:
            return caches
        return {alias: self._url(link, url) or url for alias, url in caches.items()}

    def _url(self, link: Link, url: str | None) -> str | None:
        if url is None or link not in self._proxies:
            return url
        parts, proxy = urlsplit(url), self._proxies[link]
        login, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{login}{at}{proxy.host}:{proxy.port}").geturl()


def _server(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    if parts.scheme == "rediss":
        raise BrokerError(
            f"no network fault can be played on {parts.hostname}: its certificate (rediss://) does not fit a proxy on "
            f"{HOST}. Use celery_perf_broker=process, container or auto, or a redis:// server"
        )
    return parts.hostname or "localhost", parts.port or 6379
