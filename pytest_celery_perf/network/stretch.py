"""A stretch of the network: some links, treated alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_celery_perf.network.remote import RemoteProxy
from pytest_celery_perf.network.toxics import Toxic

BROKER, RESULTS, PUBLISHER = "broker", "results", "publisher"
KINDS = (BROKER, RESULTS, PUBLISHER)
TEST = ""
"""In the place of a worker's name: the test itself, which no worker can be called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Who talks to what."""

    kind: str
    """``broker`` (of a worker), ``publisher`` (the test, to the broker) or ``results`` (of either)."""
    worker: str = TEST

    @property
    def ends(self) -> str:
        """Both, for people."""
        near = f"worker {self.worker}" if self.worker else "the test"
        return f"{near} and {'the result backend' if self.kind == RESULTS else 'the broker'}"


class Stretch:
    """Does the same to the proxies of several links.

    Args:
        proxies: By link.
    """

    def __init__(self, proxies: Mapping[Link, RemoteProxy]) -> None:
        self._proxies = proxies

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its links."""
        return tuple(dict.fromkeys(link.kind for link in self._proxies))

    @property
    def feeds_workers(self) -> bool:
        """Whether workers take their messages over one of its links."""
        return BROKER in self.kinds

    @property
    def concerns_test(self) -> bool:
        """Whether the test itself is at an end of one of its links."""
        return any(link.worker == TEST for link in self._proxies)

    @property
    def ends(self) -> str:
        """The ends of its links, for people."""
        return "; ".join(link.ends for link in self._proxies)

    def add(self, toxic: Toxic, direction: str) -> None:
        """Add a toxic: ``upstream``, ``downstream`` or ``both``."""
        for proxy in self._proxies.values():
            proxy.add(toxic, direction)

    def remove(self, toxic: Toxic, direction: str) -> None:
        """Remove what was added."""
        for proxy in self._proxies.values():
            proxy.remove(toxic, direction)

    def refuse(self) -> int:
        """Refuse new connections and close those that there are; return how many."""
        for proxy in self._proxies.values():
            proxy.refuse()
        return self.end_connections()

    def listen(self) -> None:
        """Refuse no longer."""
        for proxy in self._proxies.values():
            proxy.listen()

    def end_connections(self, *, reset: bool = False, unaware: tuple[str, ...] = ()) -> int:
        """End the connections that there are; see `Proxy.end_connections`."""
        return sum(proxy.end_connections(reset=reset, unaware=unaware) for proxy in self._proxies.values())

    def lay_ghosts(self) -> None:
        """Tell those who were left unaware."""
        for proxy in self._proxies.values():
            proxy.lay_ghosts()
