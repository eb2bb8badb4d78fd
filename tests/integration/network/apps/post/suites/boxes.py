"""A worker in a container reaches the broker over a proxy, too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import docker
import pytest
from listeners import await_end_of, await_listeners
from post import sort

from pytest_celery_perf import CeleryNetwork, CeleryPerf, ConfigurationError, UnfinishedTasksError

IMAGE = os.environ["POST_IMAGE"]
SHARED = pytest.mark.celery_worker(runtime="container", image=IMAGE, concurrency=1)


@contextmanager
def a_stranger() -> Iterator[None]:
    """Have another container take the first address that is free on the engine's own network."""
    with closing(docker.from_env()) as client:
        stranger = client.containers.run(IMAGE, ["-f", "/dev/null"], entrypoint=["tail"], detach=True)
        try:
            yield
        finally:
            stranger.remove(force=True, v=True)


@SHARED
@pytest.mark.celery_reliable
def test_reset(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    celery_perf.run(sort, ("a",))
    before = await_listeners(celery_perf)
    assert celery_network.reset() > 0
    await_listeners(celery_perf, but=before)
    celery_perf.run(sort, ("b",))


@SHARED
@pytest.mark.celery_reliable
def test_black_hole(celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
    with celery_network.black_hole():
        sort.delay("a")
    celery_perf.wait()
    [execution] = celery_perf.history.executions
    [healed] = [fault for fault in celery_perf.history.faults if fault.kind == "network-healed"]
    assert execution.received_ns > healed.at_ns


@pytest.mark.celery_worker(name="box", runtime="container", image=IMAGE, concurrency=1, network="bridge")
@pytest.mark.celery_reliable
class TestNetworkOfItsOwn:
    def test_unplug(self, celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
        celery_perf.run(sort, ("a",))
        before = await_listeners(celery_perf)
        with ExitStack() as strangers:
            with celery_network.unplug():
                strangers.enter_context(a_stranger())
                await_end_of(celery_perf, before)
                sort.delay("b")
                with pytest.raises(UnfinishedTasksError):
                    celery_perf.wait(timeout=1)
            celery_perf.wait()
        assert [fault.kind for fault in celery_perf.history.faults][:2] == ["network-unplugged", "network-healed"]

    def test_what_is_not_plugged_again(self, celery_perf: CeleryPerf, celery_network: CeleryNetwork) -> None:
        celery_perf.run(sort, ("a",))
        before = await_listeners(celery_perf)
        celery_network.unplug(worker="box")
        await_end_of(celery_perf, before)
        sort.delay("b")


def test_only_a_network_of_its_own_can_be_taken(celery_network: CeleryNetwork) -> None:
    with pytest.raises(ConfigurationError, match="unplug: worker=None finds no worker with a network of its own"):
        celery_network.unplug()
