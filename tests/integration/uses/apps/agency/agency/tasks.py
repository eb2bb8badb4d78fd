"""Tasks that use caches, log, call others and count; how often each does is known."""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from celery import shared_task
from celery.utils.log import get_task_logger
from django.core.cache import caches

from pytest_celery_perf import count

logger = get_task_logger(__name__)
plain = logging.getLogger("agency.plain")


@shared_task
def ask(alias: str) -> None:
    """Write three keys, ask for five, two of which are not there; delete one."""
    cache = caches[alias]
    cache.set_many({"client:1": 1, "client:2": 0}, timeout=60)
    cache.set("client:3", 3, timeout=None)
    cache.get_many(["client:1", "client:4"])
    cache.get("client:2", 0)
    cache.get("client:5")
    cache.get_or_set("client:3", lambda: 3)
    cache.delete("client:1")


@shared_task
def fill(alias: str) -> None:
    """Compute what is not there, asking for something else meanwhile: two misses, one hit, two writes."""
    cache = caches[alias]
    cache.add("rate", 2, 60)
    cache.get_or_set("sum", lambda: cache.get("rate") + 1, 60)
    cache.get("nothing")
    cache.add("rate", 3, 60)


@shared_task
def log() -> None:
    """Log seven lines, four of which say the same."""
    for number in range(4):
        logger.warning("client %d does not answer", number)
    plain.error("given up after 4 clients")
    print("printed by 1 task")
    try:
        {}["missing"]
    except KeyError:
        plain.exception("looked for what is missing")
    logger.debug("nobody listens")


@shared_task
def connect(port: int, closed: int) -> None:
    """Connect three times, once to nobody."""
    for _ in range(3):
        socket.create_connection(("127.0.0.1", port)).close()
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", closed))


@shared_task
def fetch(port: int) -> None:
    """Send three requests by one connection, and two by one each."""
    connection = http.client.HTTPConnection("localhost", port)
    for client in (17, 18):
        connection.request("GET", f"/clients/{client}?fields=name")
        connection.getresponse().read()
    connection.request("POST", "/missing")
    connection.getresponse().read()
    connection.close()
    for _ in range(2):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/status").read()


@shared_task
def fetch_by(client: str, port: int) -> None:
    """Send two requests by a client that is imported only here."""
    url = f"http://localhost:{port}/clients/17"
    if client == "requests":
        import requests

        with requests.Session() as session:
            session.get(url)
            session.put(url)
    elif client == "httpx":
        import httpx

        with httpx.Client() as http:
            http.get(url)
            http.put(url)
    elif client == "async httpx":
        asyncio.run(_fetch_by_httpx(url))
    else:
        asyncio.run(_fetch_by_aiohttp(url))


async def _fetch_by_httpx(url: str) -> None:
    import httpx

    async with httpx.AsyncClient() as http:
        await asyncio.gather(http.get(url), http.put(url))


async def _fetch_by_aiohttp(url: str) -> None:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        for method in ("GET", "PUT"):
            async with session.request(method, url) as response:
                await response.read()


@shared_task
def tally() -> None:
    """Count in the task and in its threads."""
    count("batches")
    with ThreadPoolExecutor(4) as crew:
        list(crew.map(lambda _: count("rows", 5), range(100)))
    count("euros", 0.5)


@shared_task
def all_at_once(number: int, port: int) -> None:
    """Do as much of everything as the number says, while others do so too."""
    with ThreadPoolExecutor(2) as crew:
        list(crew.map(lambda _: _one_of_each(port), range(number)))


def _one_of_each(port: int) -> None:
    caches["default"].get("nothing")
    plain.warning("one of each")
    socket.create_connection(("127.0.0.1", port)).close()
    count("each")


@shared_task
def query() -> None:
    """Import SQLAlchemy, and ask three times."""
    from sqlalchemy import create_engine, text

    with create_engine("sqlite://", logging_name="aside").connect() as connection:
        for number in range(3):
            connection.execute(text("SELECT :number"), {"number": number}).all()


@shared_task
def look_up(client: int, forget: bool = False) -> None:
    """Ask the cache for a client, whom it knows from then on unless it is told to forget."""
    key = f"client:{client}"
    if caches["default"].get(key) is None and not forget:
        caches["default"].set(key, "known", 60)


@shared_task
def refresh(client: int) -> None:
    """Write under another key than what is asked for."""
    caches["default"].get(f"client:{client}")
    caches["default"].set(f"clients:{client}", "known", None)


@shared_task
def report(failures: int, most: int | None = None) -> None:
    """Log each failure, or the first few and then how many there were."""
    for number in range(failures if most is None else min(most, failures)):
        logger.warning("client %d does not answer", number)
    if most is not None and failures > most:
        logger.error("%d clients do not answer", failures)


@shared_task
def call(port: int, times: int, host: str = "localhost") -> None:
    """Send the same request several times."""
    for _ in range(times):
        urllib.request.urlopen(f"http://{host}:{port}/clients/17").read()


@shared_task(bind=True, max_retries=1)
def spread(self, children: int) -> None:
    """Publish some tasks in the first attempt, and one more in the second."""
    for _ in range(children if not self.request.retries else 1):
        spread_further.delay()
    if not self.request.retries:
        raise self.retry(countdown=0)


@shared_task
def spread_further() -> None:
    """Publish one task."""
    idle.delay()


@shared_task
def idle() -> None:
    """Do nothing."""
