"""What can be done to the network."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.faults.lasting import Lasting, Ward
from pytest_celery_perf.model.arguments import natural, one_of
from pytest_celery_perf.model.units import format_duration_s, format_size, parse_duration_s, parse_size_bytes
from pytest_celery_perf.network.toxics import Toxic

if TYPE_CHECKING:
    from pytest_celery_perf.faults.publishing import PublishDeadline
    from pytest_celery_perf.network.links import Links
    from pytest_celery_perf.network.stretch import Stretch
    from pytest_celery_perf.runner.trial import Trial

Kinds = str | Iterable[str]

_DIRECTIONS = {
    "both": "in both directions",
    "upstream": "towards the server",
    "downstream": "from the server",
}
_DISCONNECTING = ("cut", "half-open")
"""What breaks connections when it begins; whatever lasts may have broken some by its end."""
_ENDS = {"client": ("client",), "server": ("server",), "both": ("client", "server")}


class CeleryNetwork:
    """The network between the workers of a test, the test itself, and the broker.

    Every fault begins with the call; those that last can be undone, or head a ``with`` block at whose end they are.

    These arguments say where:

    * ``link``: ``"broker"`` (between workers and broker), ``"results"`` (between workers, or the test, and the result
      backend), ``"publisher"`` (between the test and the broker, when it publishes), or a list of these;
    * ``worker``: the name of the one worker that is struck; by default all are;
    * ``direction``, of what delays, narrows, slices or swallows: ``"upstream"`` (towards the server),
      ``"downstream"`` or ``"both"``.

    All raise `ConfigurationError` if an argument is wrong.

    Args:
        trial: The test's tasks.
        ward: Undoes what lasts.
        links: Those of the test's pool.
        deadline: Of the test's publishes.
    """

    def __init__(self, trial: Trial, ward: Ward, links: Links, deadline: PublishDeadline) -> None:
        self._trial = trial
        self._ward = ward
        self._deadline = deadline
        self._links = links

    def latency(
        self,
        delay: str | float,
        *,
        jitter: str | float = 0.0,
        direction: str = "both",
        link: Kinds = "broker",
        worker: str | None = None,
    ) -> Lasting:
        """Have everything arrive later.

        Args:
            delay: By how much in one direction: seconds, or text such as ``"200ms"``.
            jitter: How much more or less than that it may be; the order of what is sent stays.
            direction: See the class.
            link: See the class.
            worker: See the class.
        """
        mean_s, jitter_s = (
            parse_duration_s(delay, _at("latency: delay")),
            parse_duration_s(jitter, _at("latency: jitter")),
        )
        what = format_duration_s(mean_s) + (f" ± {format_duration_s(jitter_s)}" if jitter_s else "")
        toxic = Toxic(latency_s=mean_s, jitter_s=jitter_s)
        return self._poison("latency", toxic, what, direction, self._links.choose(link, worker, _at("latency")))

    def bandwidth(
        self, per_second: str | int, *, direction: str = "both", link: Kinds = "broker", worker: str | None = None
    ) -> Lasting:
        """Make a link narrow, for all of its connections together.

        Args:
            per_second: What passes in a second, in one direction: bytes, or text such as ``"64KiB"``.
            direction: See the class.
            link: See the class.
            worker: See the class.
        """
        rate = parse_size_bytes(per_second, _at("bandwidth: per_second"))
        if not rate:
            raise ConfigurationError(
                f"{_at('bandwidth')}: per_second={per_second!r} lets nothing pass: use black_hole()"
            )
        stretch = self._links.choose(link, worker, _at("bandwidth"))
        return self._poison("bandwidth", Toxic(bytes_per_s=rate), f"{format_size(rate)} a second", direction, stretch)

    def slice(
        self,
        size: int = 1,
        *,
        gap: str | float = "1ms",
        direction: str = "both",
        link: Kinds = "broker",
        worker: str | None = None,
    ) -> Lasting:
        """Have everything arrive in pieces, whatever it was written in.

        Args:
            size: Bytes of a piece.
            gap: Between two pieces: seconds, or text such as ``"1ms"``.
            direction: See the class.
            link: See the class.
            worker: See the class.
        """
        toxic = Toxic(slice_bytes=natural(size, _at("slice: size"), 1), gap_s=parse_duration_s(gap, _at("slice: gap")))
        what = f"pieces of {format_size(toxic.slice_bytes)}, {format_duration_s(toxic.gap_s)} apart,"
        return self._poison("slicing", toxic, what, direction, self._links.choose(link, worker, _at("slice")))

    def black_hole(self, *, direction: str = "both", link: Kinds = "broker", worker: str | None = None) -> Lasting:
        """Let nothing through, and tell nobody: a partition. Who connects waits for the first answer.

        When it is over, all that was sent meanwhile arrives, if both ends are still there, as TCP sends it again.

        Args:
            direction: See the class.
            link: See the class.
            worker: See the class.
        """
        stretch = self._links.choose(link, worker, _at("black_hole"))
        return self._poison("black-hole", Toxic(latency_s=math.inf), "nothing passes", direction, stretch)

    def cut(self, *, link: Kinds = "broker", worker: str | None = None) -> Lasting:
        """Close the connections and refuse new ones, as where a server is being restarted.

        Args:
            link: See the class.
            worker: See the class.
        """
        stretch = self._links.choose(link, worker, _at("cut"))
        at_ns = time.monotonic_ns()
        closed = stretch.refuse()
        return self._last("cut", f"{closed} connections closed, new ones refused", stretch, stretch.listen, at_ns)

    def reset(self, *, link: Kinds = "broker", worker: str | None = None) -> int:
        """Reset the connections that there are; new ones can be made at once.

        Args:
            link: See the class.
            worker: See the class.

        Returns:
            How many connections there were: never none, as that would prove nothing.
        """
        stretch = self._links.choose(link, worker, _at("reset"))
        at_ns = time.monotonic_ns()
        ended = _some(stretch.end_connections(reset=True), "reset", stretch)
        self._note("reset", f"{ended} connections", stretch, at_ns)
        self._broke(stretch)
        return ended

    def half_open(self, *, unaware: str = "client", link: Kinds = "broker", worker: str | None = None) -> Lasting:
        """End the connections that there are, and tell one end only; new ones can be made at once.

        Whoever is unaware of it waits: what it sends is never answered. When the fault is over it is told, by a
        reset. TCP's keepalive finds nothing here, as it might in production: the proxy's kernel answers it.

        Args:
            unaware: Who is not told: ``client`` (the worker, or the test: as where a firewall has forgotten the
                connection), ``server`` (as where the worker's machine has crashed: what the server sends
                it is lost) or ``both``.
            link: See the class.
            worker: See the class.
        """
        ends = _ENDS[one_of(unaware, _at("half_open: unaware"), *_ENDS)]
        stretch = self._links.choose(link, worker, _at("half_open"))
        at_ns = time.monotonic_ns()
        ended = _some(stretch.end_connections(unaware=ends), "half_open", stretch)
        return self._last("half-open", f"{ended} connections, unaware: {unaware},", stretch, stretch.lay_ghosts, at_ns)

    def unplug(self, *, worker: str | None = None) -> Lasting:
        """Take a container's network away, and with it more than the broker: its database, if that is elsewhere.

        Other than with a black hole, it is the container's own kernel that finds nobody at the other end.

        Args:
            worker: Its name; None for all that have a network of their own.
        """
        members = [
            member
            for member in self._trial.pool.members
            if member.spec.bridge and member.worker.alive and worker in (None, member.spec.name)
        ]
        if not members:
            raise ConfigurationError(
                f"{_at('unplug')}: worker={worker!r} finds no worker with a network of its own: "
                'give it one by @pytest.mark.celery_worker(runtime="container", network="bridge")'
            )
        at_ns = time.monotonic_ns()
        for member in members:
            member.worker.unplug()

        def plug() -> None:
            for member in members:
                if member.worker.alive:
                    member.worker.plug()

        stretch = self._links.choose("broker", worker, _at("unplug"))
        return self._last("unplugged", "no network", stretch, plug, at_ns)

    def _poison(self, kind: str, toxic: Toxic, what: str, direction: str, stretch: Stretch) -> Lasting:
        one_of(direction, "celery_faults.network: direction", *_DIRECTIONS)
        at_ns = time.monotonic_ns()
        stretch.add(toxic, direction)
        told = f"{what} {_DIRECTIONS[direction]}"
        return self._last(kind, told, stretch, lambda: stretch.remove(toxic, direction), at_ns)

    def _last(self, kind: str, what: str, stretch: Stretch, end: Callable[[], None], at_ns: int) -> Lasting:
        def undo() -> None:
            at_ns = time.monotonic_ns()
            end()
            self._note("healed", f"no more {kind}", stretch, at_ns)
            self._broke(stretch)

        self._note(kind, what, stretch, at_ns)
        if kind in _DISCONNECTING:
            self._broke(stretch)
        lasting = self._ward.admit(Lasting(undo))
        if stretch.concerns_test:
            self._deadline.guard(lasting, f"network-{kind} between {stretch.ends}")
        return lasting

    def _note(self, kind: str, what: str, stretch: Stretch, at_ns: int) -> None:
        # Before it was done: what comes of it is recorded by others, maybe before the call returns.
        detail = f"{what} between {stretch.ends}"
        self._trial.book.note(f"network-{kind}", at_ns=at_ns, point=", ".join(stretch.kinds), detail=detail)

    def _broke(self, stretch: Stretch) -> None:
        """Have the messages seen after that workers may have dropped with their connections."""
        if stretch.feeds_workers:
            self._trial.rescue.outage.broke()


def _at(what: str) -> str:
    return f"celery_faults.network.{what}"


def _some(ended: int, what: str, stretch: Stretch) -> int:
    if not ended:
        raise ConfigurationError(
            f"{_at(what)}: there is no connection between {stretch.ends}: nothing has been sent there yet"
        )
    return ended
