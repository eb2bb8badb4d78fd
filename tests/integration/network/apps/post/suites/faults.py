"""Faults of the network as a user plays them; each test proves that the fault was really there, and is over."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from listeners import await_end_of, await_listeners
from post import deliver, sort, weigh

from pytest_celery_perf import CeleryFaults, CeleryNetwork, CeleryPerf, ConfigurationError, UnfinishedTasksError

SECOND_NS = 1_000_000_000
HANGS_S = 1.0
"""What has not returned by then is taken to hang; were it only slow, a test would pass, not fail."""


class Background:
    """A call in a thread of its own, since it may never return."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self.result: Any = None
        self._call = call
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        self.result = self._call()

    def hangs(self) -> bool:
        self._thread.join(HANGS_S)
        return self._thread.is_alive()

    def join(self) -> Any:
        self._thread.join()
        return self.result


def way_ns(celery_perf: CeleryPerf) -> int:
    """Return how long the first message was on its way to a worker."""
    [publication], [execution] = celery_perf.history.publications, celery_perf.history.executions
    return execution.received_ns - publication.published_ns


def healed_ns(celery_perf: CeleryPerf) -> int:
    [healed] = [fault for fault in celery_perf.history.faults if fault.kind == "network-healed"]
    return healed.at_ns


@pytest.mark.celery_reliable
def test_latency(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    await_listeners(celery_perf)
    with celery_network.latency("300ms", direction="downstream"):
        celery_perf.run(sort, ("a",))
    assert way_ns(celery_perf) > 0.3 * SECOND_NS
    latency, healed = celery_perf.history.faults
    assert (latency.kind, latency.point) == ("network-latency", "broker")
    assert latency.detail == "300ms from the server between worker default and the broker"
    assert (healed.kind, healed.detail) == ("network-healed", "no more latency between worker default and the broker")


@pytest.mark.celery_reliable
def test_jitter(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    with celery_network.latency("50ms", jitter="50ms"):
        celery_perf.run(sort, ("a",), times=5)
    assert "50ms ± 50ms in both directions" in celery_perf.history.faults[0].detail


@pytest.mark.celery_reliable
def test_what_a_worker_keeps_over_a_slow_network_is_not_delivered_again(
    celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork
) -> None:
    """Its connection lives on, and longer than a worker takes to be back."""
    sort.apply_async(("a",), countdown=12)
    celery_faults.when("received", sort)
    with celery_network.latency("50ms"):
        pass
    assert celery_perf.wait().executions == 1


@pytest.mark.celery_reliable
def test_bandwidth(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    await_listeners(celery_perf)
    with celery_network.bandwidth("100KB"):
        celery_perf.run(sort, ("x" * 30_000,))
    assert way_ns(celery_perf) > 0.3 * SECOND_NS
    assert celery_perf.history.faults[0].detail.startswith("97.7KiB a second in both directions between")


@pytest.mark.celery_reliable
def test_slices(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    with celery_network.slice(7, gap="100us", link=["broker", "publisher", "results"]):
        assert weigh.delay("ten letters").get(timeout=30) == 11
        celery_perf.wait()
    assert celery_perf.history.faults[0].point == "broker, results, publisher"


@pytest.mark.celery_reliable
def test_black_hole(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    await_listeners(celery_perf)
    with celery_network.black_hole():
        sort.delay("a")
        with pytest.raises(UnfinishedTasksError):
            celery_perf.wait(timeout=HANGS_S)
        assert celery_perf.history.executions == ()
    celery_perf.wait()
    assert celery_perf.history.executions[0].received_ns > healed_ns(celery_perf)


@pytest.mark.celery_worker(name="near", concurrency=1)
@pytest.mark.celery_worker(name="far", concurrency=1)
@pytest.mark.celery_reliable
def test_partition(celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork) -> None:
    await_listeners(celery_perf, 2)
    with celery_network.black_hole(worker="far"):
        for _ in range(10):
            sort.delay("a")
        celery_faults.when("ended", nth=9)  # what the broker has sent to the far worker is on its way
        assert {each.worker.split("@")[0] for each in celery_perf.history.executions} == {"near"}
    celery_perf.wait()
    assert len(celery_perf.history.executions) == 10


@pytest.mark.celery_reliable
def test_cut(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    before = await_listeners(celery_perf)
    with celery_network.cut():
        await_end_of(celery_perf, before)
        sort.delay("a")
        with pytest.raises(UnfinishedTasksError):
            celery_perf.wait(timeout=HANGS_S)
        assert celery_perf.history.executions == ()
    celery_perf.wait()
    assert celery_perf.history.executions[0].received_ns > healed_ns(celery_perf)


@pytest.mark.celery_worker(concurrency=1)
@pytest.mark.celery_reliable(max_executions=2, overlap=True)
def test_reset(celery_perf: CeleryPerf, celery_faults: CeleryFaults, celery_network: CeleryNetwork) -> None:
    with celery_faults.hold(deliver) as held:
        deliver.delay("/dev/null")
        held.wait()
        assert celery_network.reset() > 0
        celery_faults.when("received", deliver, nth=2)
    celery_perf.wait()


def test_half_open(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    before = await_listeners(celery_perf)
    with celery_network.half_open():
        await_end_of(celery_perf, before)
        sort.delay("a")
        with pytest.raises(UnfinishedTasksError):
            celery_perf.wait(timeout=HANGS_S)
    celery_perf.wait()


@pytest.mark.celery_worker(env={"POST_LISTENS_LONG": "1"})
@pytest.mark.celery_reliable
def test_what_a_dead_connection_is_sent_is_lost(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    await_listeners(celery_perf)
    celery_network.half_open(unaware="server")
    sort.delay("a")


@pytest.mark.celery_reliable
def test_publisher(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_perf.run(sort, ("a",))
    with celery_network.black_hole(link="publisher"):
        call = Background(lambda: sort.delay("b"))
        assert call.hangs()
        assert len(celery_perf.history.executions) == 1
    call.join()
    celery_perf.wait()
    assert len(celery_perf.history.executions) == 2


@pytest.mark.celery_reliable
def test_publisher_connects_anew(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_perf.run(sort, ("a",))
    assert celery_network.reset(link="publisher") > 0
    celery_perf.run(sort, ("b",))
    assert len(celery_perf.history.executions) == 2


@pytest.mark.celery_reliable
def test_results(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    assert weigh.delay("a").get(timeout=30) == 1
    with celery_network.black_hole(link="results", worker="default"):
        result = weigh.delay("ab")
        with pytest.raises(UnfinishedTasksError, match="in store_result"):
            celery_perf.wait(timeout=HANGS_S)
    assert result.get(timeout=30) == 2


@pytest.mark.celery_reliable
def test_who_expects_a_result_hangs_before_it_publishes(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    with celery_network.black_hole(link="results"):
        call = Background(lambda: weigh.delay("abc"))
        assert call.hangs()
        assert celery_perf.history.publications == ()
    backend = call.join().backend  # the thread's own, which nobody closes
    assert call.join().get(timeout=30) == 3
    call.result = None  # unsubscribes
    backend.client.connection_pool.disconnect()


@pytest.mark.celery_reliable
def test_what_is_not_undone(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_network.black_hole()
    celery_network.latency("1ms")
    sort.delay("a")
    celery_network.cut(link="publisher")


def test_a_test_must_ask_for_proxies(celery_faults: CeleryFaults) -> None:
    with pytest.raises(ConfigurationError, match="let it use the fixture celery_network"):
        _ = celery_faults.network


@pytest.mark.celery_worker(network=True)
def test_a_marker_may_ask_for_them(celery_perf: CeleryPerf, celery_faults: CeleryFaults) -> None:
    before = await_listeners(celery_perf)
    assert celery_faults.network.reset() > 0
    await_listeners(celery_perf, but=before)
    celery_perf.run(sort, ("a",))


def test_after_that_the_network_is_good(celery_perf: CeleryPerf) -> None:
    celery_perf.run(sort, ("a",))
