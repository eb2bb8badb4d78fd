from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import Mock

import pytest

from pytest_celery_perf.broker import ports
from pytest_celery_perf.errors import BrokerError, ConfigurationError
from pytest_celery_perf.faults.lasting import Ward
from pytest_celery_perf.faults.network import CeleryNetwork
from pytest_celery_perf.network.links import Links
from pytest_celery_perf.network.proxy import HOST
from pytest_celery_perf.probe.config import ProbeConfig


def config(url: str) -> ProbeConfig:
    return ProbeConfig(spool="", doorbell="", boot="", clock="", broker_url=url, result_backend=url)


def make_links(url: str = "redis://:secret@127.0.0.1:1/3", *, results: bool = True) -> Links:
    return Links(config(url), workers={"a": HOST, "b": HOST}, results=results, ports=ports.candidates)


@pytest.fixture
def links() -> Iterator[Links]:
    links = make_links()
    yield links
    links.close()


@pytest.fixture
def network(links: Links) -> CeleryNetwork:
    return CeleryNetwork(Mock(), Ward(), links, Mock())


def test_every_worker_and_the_test_have_addresses_of_their_own(links: Links) -> None:
    told = [links.for_worker("a"), links.for_worker("b")]
    urls = [url for each in told for url in (each.broker_url, each.result_backend)]
    urls += [links.for_test().broker_write_url, links.for_test().result_backend]
    assert len(set(urls)) == 6
    assert all(url and url.startswith("redis://:secret@127.0.0.1:") and url.endswith("/3") for url in urls)


def test_the_test_asks_the_broker_directly(links: Links) -> None:
    assert links.for_test().broker_url == "redis://:secret@127.0.0.1:1/3"


def test_a_worker_without_a_network_is_told_nothing(links: Links) -> None:
    assert config("redis://:secret@127.0.0.1:1/3") == links.for_worker("c")


def test_results_that_are_not_on_the_server_stay_where_they_are() -> None:
    links = make_links(results=False)
    assert links.for_worker("a").result_backend == links.for_test().result_backend == "redis://:secret@127.0.0.1:1/3"
    with pytest.raises(
        ConfigurationError, match="cut: link='results': the app keeps no results on the broker's server"
    ):
        CeleryNetwork(Mock(), Ward(), links, Mock()).cut(link="results")
    links.close()


def test_no_proxy_stands_before_an_encrypted_server() -> None:
    with pytest.raises(BrokerError, match=r"no network fault can be played on far: its certificate \(rediss://\)"):
        make_links("rediss://far:6380/0")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda network: network.latency("soon"), "celery_faults.network.latency: delay='soon': expected seconds"),
        (lambda network: network.latency(1, jitter=-1), "celery_faults.network.latency: jitter=-1: expected seconds"),
        (lambda network: network.bandwidth(0), "bandwidth: per_second=0 lets nothing pass: use black_hole()"),
        (lambda network: network.slice(0), "celery_faults.network.slice: size=0 is not a whole number from 1"),
        (lambda network: network.cut(link="database"), "cut: link='database' is not one of broker, results, publisher"),
        (lambda network: network.cut(link=[]), "cut: link=[] names none of broker, results, publisher"),
        (lambda network: network.cut(link=7), "cut: link=7 is not a list of links"),
        (lambda network: network.cut(worker="c"), "celery_faults.network.cut: worker='c' is not one of a, b"),
        (
            lambda network: network.cut(link="publisher", worker="a"),
            "cut: link='publisher' is the test's: there is none of worker='a'",
        ),
        (
            lambda network: network.black_hole(direction="sideways"),
            "celery_faults.network: direction='sideways' is not one of both, upstream, downstream",
        ),
        (
            lambda network: network.half_open(unaware="me"),
            "celery_faults.network.half_open: unaware='me' is not one of client, server, both",
        ),
        (
            lambda network: network.half_open(worker="b"),
            "half_open: there is no connection between worker b and the broker: nothing has been sent there yet",
        ),
        (
            lambda network: network.reset(link="results", worker="b"),
            "reset: there is no connection between worker b and the result backend: nothing has been sent there yet",
        ),
    ],
)
def test_what_cannot_be_played_is_refused(
    network: CeleryNetwork, fault: Callable[[CeleryNetwork], Any], words: str
) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        fault(network)
    assert words in str(refusal.value)
