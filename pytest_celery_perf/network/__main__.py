"""The process in which the proxies run: ``python -m pytest_celery_perf.network <descriptor> <pid of pytest>``.

It answers calls (`network.remote`) until pytest closes its end, or has ended.
"""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any

from pytest_celery_perf.network.call import NEW, Answer, Call
from pytest_celery_perf.network.proxy import Proxy

_LOOK_S = 1.0
"""A process that was forked from pytest may hold the other end open: that pytest has ended is looked for, too."""


async def serve(connection: Connection, parent: int) -> None:
    """Answer calls, then end all connections."""
    proxies: dict[int, Proxy] = {}
    while (call := await asyncio.to_thread(_next, connection, parent)) is not None:
        answer = Answer(number=call.number, value=await _value(proxies, call))
        with suppress(OSError):  # whoever has asked was interrupted, and is gone
            connection.send(answer)
    for proxy in proxies.values():
        await proxy.close()


def _next(connection: Connection, parent: int) -> Call | None:
    with suppress(EOFError, OSError):
        while os.getppid() == parent:
            if connection.poll(_LOOK_S):
                call: Call = connection.recv()
                return call
    return None


async def _value(proxies: dict[int, Proxy], call: Call) -> Any:
    try:
        if call.method == NEW:
            proxies[call.proxy] = Proxy(*call.arguments)
            return None
        result = getattr(proxies[call.proxy], call.method)(*call.arguments, **call.keywords)
        return await result if inspect.isawaitable(result) else result
    except Exception as error:  # noqa: BLE001 - the caller's
        return error


if __name__ == "__main__":
    with Connection(int(sys.argv[1])) as connection:
        asyncio.run(serve(connection, int(sys.argv[2])))
