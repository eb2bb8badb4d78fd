"""The user's own Redis: a guest there touches nothing but what it brought."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pytest_celery_perf.broker import client
from pytest_celery_perf.broker.base import Endpoint
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.guard.resources import Keys

SCHEMES = ("redis", "rediss")

_DEMAND = re.compile(r"(?:^|&)ssl_cert_reqs=.")
_PYTHONS_WORD = re.compile(r"((?:^|&)ssl_cert_reqs=)CERT_(REQUIRED|OPTIONAL|NONE)(?=&|$)")


class ExternalServer:
    """A server that runs without us; all our keys begin with a prefix of this run.

    Args:
        url: Of the database to use, as the user gave it.
        key_prefix: Under which everything of ours lives.
        guard: Deletes our keys if we cannot.
        what: The setting or option that the URL was given for.

    Raises:
        BrokerError: That is no URL of a Redis server.
    """

    kind = "external"
    pid = None

    def __init__(self, url: str, *, key_prefix: str, guard: Guard, what: str = "celery_perf_broker") -> None:
        parts = urlsplit(url)
        if parts.scheme not in SCHEMES or not parts.hostname:
            raise BrokerError(f"{what}={_without_password(url)!r}: expected redis://… or rediss://…")
        self._what = what
        self._url = _understood_by_all(url)
        self.description = f"{_without_password(self._url)}, keys under {key_prefix}"
        self._key_prefix = key_prefix
        self._guard = guard

    def start(self) -> Endpoint:
        """See that it answers, and look at its settings.

        Raises:
            BrokerError: It does not answer.
        """
        from redis.exceptions import RedisError

        try:
            with client.connect(self._url) as redis:
                redis.ping()
        except (RedisError, OSError) as error:
            raise BrokerError(f"{self._what}={_without_password(self._url)!r} does not answer: {error}") from error
        self._guard.keys(self._url, self._key_prefix)
        return Endpoint(
            kind=self.kind,
            description=self.description,
            address=self._url,
            databases=1,
            key_prefix=self._key_prefix,
            warnings=self._warnings(),
        )

    def kill(self, *, keep_data: bool = True) -> None:  # noqa: ARG002 - the protocol's
        """Refuse.

        Raises:
            BrokerError: Always.
        """
        raise BrokerError(
            f"{self.description} is not ours to kill: a test that does needs "
            "celery_perf_broker=process, container or auto"
        )

    def pause(self) -> None:
        """Refuse, like `kill`.

        Raises:
            BrokerError: Always.
        """
        raise BrokerError(
            f"{self.description} is not ours to stop: a test that does needs "
            "celery_perf_broker=process, container or auto"
        )

    def resume(self) -> None:
        """Do nothing: it was never stopped."""

    def restart(self) -> Endpoint:
        """Refuse, like `kill`.

        Raises:
            BrokerError: Always.
        """
        raise BrokerError(f"{self.description} is not ours to restart")

    def stop(self) -> None:
        """Delete our keys."""
        from redis.exceptions import RedisError

        try:
            Keys(self._url, self._key_prefix).remove()
        except (RedisError, OSError):
            return  # the guard tries again at the end, and tells
        self._guard.release_keys(self._url, self._key_prefix)

    def log_tail(self, lines: int) -> list[str]:  # noqa: ARG002 - the protocol's
        """Return nothing: its log is out of our reach."""
        return []

    def _warnings(self) -> tuple[str, ...]:
        from redis.exceptions import RedisError

        try:
            with client.connect(self._url) as redis:
                policy = redis.info("memory").get("maxmemory_policy")
        except RedisError as error:  # a user that may not ask
            return (f"{_without_password(self._url)} does not tell its maxmemory-policy: {error}",)
        if policy in {None, "noeviction"}:
            return ()
        warning = (
            f"{_without_password(self._url)} has maxmemory-policy={policy}: once its memory is full it drops keys, "
            "and with them messages; a broker needs noeviction"
        )
        return (warning,)


def _understood_by_all(url: str) -> str:
    """Say in a URL for TLS what is demanded of the server's certificate, in words that redis-py and Celery both know.

    Source:
        ``SSLConnection`` in redis/connection.py knows required, optional and none alone, and without a word takes the
        first. ``RedisBackend`` in celery/backends/redis.py refuses a URL without one; in its error it recommends
        CERT_REQUIRED and its like, but it takes the other words as well, as does kombu/utils/url.py.
    """
    parts = urlsplit(url)
    if parts.scheme != "rediss":
        return url
    query = _PYTHONS_WORD.sub(lambda found: found[1] + found[2].lower(), parts.query)
    if not _DEMAND.search(query):
        query += "&" * bool(query) + "ssl_cert_reqs=required"
    return parts._replace(query=query).geturl()


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    if parts.password is None:
        return url
    return parts._replace(netloc=parts.netloc.replace(f":{parts.password}@", ":***@", 1)).geturl()
