"""What there is to clean up: each resource knows how to remove itself, and how to travel over the guard's pipe.

Standard library only; docker and redis are imported by the resource that needs them.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.guard.processes import kill_groups, start_time

if TYPE_CHECKING:
    from redis import Redis

_BATCH = 1000
_MAKING_S = 10.0
"""Longer than an engine takes to make a container and to start it."""
_AGAIN_S = 0.2


@dataclass(frozen=True, slots=True)
class ProcessGroup:
    """A process group (or session) with all its descendants."""

    pgid: int
    started: int | None
    """When its leader was started, lest a later process of the same number be taken for it.

    The kernel gives a number to nobody else as long as the group has members, so a leader that
    is gone leaves no doubt, and a leader with another start time means that the group is gone.
    """

    def remove(self) -> None:
        """Kill it, unless its number now belongs to somebody else."""
        now = start_time(self.pgid)
        if now is None or now == self.started:
            kill_groups([self.pgid])


@dataclass(frozen=True, slots=True)
class Container:
    """A container, by id or name, with its anonymous volumes."""

    name: str
    docker_host: str | None
    """Address of the daemon; None for the one that the environment names."""

    def remove(self) -> None:
        """Kill and remove it through the Docker SDK."""
        _insist(self.docker_host, lambda api: api.remove_container(self.name, force=True, v=True))


@dataclass(frozen=True, slots=True)
class Network:
    """A network between containers, by name; its containers are removed before."""

    name: str
    docker_host: str | None
    """Address of the daemon; None for the one that the environment names."""

    def remove(self) -> None:
        """Remove it through the Docker SDK."""
        _insist(self.docker_host, lambda api: api.remove_network(self.name))


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys under a prefix on somebody else's Redis."""

    url: str
    prefix: str

    def remove(self) -> None:
        """Delete them in batches, leaving every other key alone."""
        import redis

        with redis.Redis.from_url(self.url, socket_timeout=10, socket_connect_timeout=10) as client:
            for keys in keys_under(client, self.prefix):
                client.unlink(*keys)


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory with everything in it."""

    path: str

    def remove(self) -> None:
        """Remove what can be removed."""
        shutil.rmtree(self.path, ignore_errors=True)


Resource = ProcessGroup | Container | Network | Keys | Directory

_KINDS: dict[str, type[Resource]] = {
    kind.__name__: kind for kind in (ProcessGroup, Container, Network, Keys, Directory)
}
_TURNS = tuple(_KINDS)


def turn(resource: Resource) -> int:
    """Return when to remove it: whoever writes into something is ended before that is removed."""
    return _TURNS.index(type(resource).__name__)


def dump(resource: Resource) -> str:
    """Write a resource as one line of JSON, without the line's end."""
    return json.dumps([type(resource).__name__, dataclasses.asdict(resource)])


def load(line: str) -> Resource:
    """Read what `dump` wrote.

    Raises:
        ValueError, KeyError, TypeError: Something else wrote it.
    """
    kind, fields = json.loads(line)
    return _KINDS[kind](**fields)


def keys_under(client: Redis, prefix: str) -> Iterator[list[bytes]]:
    """Yield the keys that begin with a prefix, in batches.

    Args:
        client: Of the database.
        prefix: Taken literally; empty means all keys.
    """
    pattern = "".join(f"\\{character}" if character in r"*?[]\^" else character for character in prefix) + "*"
    keys = client.scan_iter(pattern, count=_BATCH)
    while batch := list(islice(keys, _BATCH)):
        yield batch


def _insist(docker_host: str | None, remove: Callable[[Any], object]) -> None:
    """Have an engine remove something, until it is gone.

    The engine may still be making or starting it, for a process that was killed meanwhile: then there is none yet, or
    it refuses for the moment.

    Args:
        docker_host: Address of the daemon; None for the one that the environment names.
        remove: Asks the API client that it is given.
    """
    import docker

    environment = {**os.environ, "DOCKER_HOST": docker_host} if docker_host else None
    client = docker.from_env(environment=environment, use_ssh_client=(docker_host or "").startswith("ssh://"))
    deadline_s = time.monotonic() + _MAKING_S
    with contextlib.closing(client):
        while True:
            late = time.monotonic() > deadline_s
            try:
                remove(client.api)
            except docker.errors.NotFound:
                if late:
                    return
            except docker.errors.APIError:
                if late:
                    raise
            else:
                return
            time.sleep(_AGAIN_S)
