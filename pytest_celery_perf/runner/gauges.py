"""What a test asks to know besides its executions: what its workers used, and what it did to the broker."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

from pytest_celery_perf.broker.usage import Scales, Stock, stock
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.model.history import History
from pytest_celery_perf.model.samples import BROKER, WORKERS, BrokerUse, MessageSizes
from pytest_celery_perf.runner.pool import Pool
from pytest_celery_perf.runner.sampling import Sampler


class Gauges:
    """Those of one test.

    Args:
        asked: Which; of `model.samples.GAUGES`.
        pool: Its workers, with their broker.
    """

    def __init__(self, asked: Collection[str], pool: Pool) -> None:
        self._pool = pool
        self._sampler = Sampler(pool) if WORKERS in asked else None
        self._scales = Scales() if BROKER in asked else None
        self._before: Stock | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch until the block ends."""
        with ExitStack() as stack:
            if self._sampler is not None:
                stack.enter_context(self._sampler.watching())
            if self._scales is not None:
                self._before = self._stock()
                stack.enter_context(self._scales.weighing())
            yield

    def told(self, history: History) -> History:
        """Add to a history what was seen so far."""
        if self._sampler is not None:
            history = replace(history, samples=self._sampler.samples())
        return history if self._scales is None else replace(history, broker=self._use(self._scales))

    def _use(self, scales: Scales) -> BrokerUse | None:
        before, after = self._before, self._stock()
        if before is None or after is None:
            return None
        new = [key for key in after.lasting if key not in before.lasting]
        return BrokerUse(
            memory_before_bytes=before.memory_bytes,
            memory_after_bytes=after.memory_bytes,
            keys=len(new),
            lasting_keys=tuple(sorted(key for key in new if after.lasting[key])),
            sizes=tuple(
                MessageSizes(queue=queue, messages=number, bytes=scales.bytes[queue])
                for queue, number in sorted(scales.messages.items())
            ),
        )

    def _stock(self) -> Stock | None:
        """Ask the broker; None while it is down, or was stopped by the test."""
        probe = self._pool.probe
        urls = (probe.broker_url, probe.result_backend, *probe.caches.values())
        try:
            return stock(filter(None, urls), str(probe.transport_options.get("global_keyprefix", "")))
        except BrokerError:
            return None
