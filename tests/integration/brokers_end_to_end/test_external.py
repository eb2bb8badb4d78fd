"""``redis://…``: the user's own server has exactly the user's own keys afterwards."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from pytest_celery_perf.broker.base import Endpoint
from tests.plugin.inner import Inner, Project
from tests.servers import tls_redis


def everything(server: Endpoint) -> dict[tuple[int, bytes], bytes | None]:
    """Return all strings of all databases; another type is an error, as the user has none."""
    found: dict[tuple[int, bytes], bytes | None] = {}
    for db in (0, 3):
        with redis.Redis.from_url(server.url(db)) as client:
            found |= {(db, key): client.get(key) for key in client.scan_iter()}
            assert set(client.info("keyspace")) == {"db0", "db3"}
    return found


def run(till: Project, server: Endpoint, *arguments: str) -> Inner:
    return till.run(f"--celery-perf-broker={server.url(3)}", *arguments)


@pytest.mark.parametrize("xdist", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_only_foreign_keys_are_left(till: Project, users_server: Endpoint, xdist: tuple[str, ...]) -> None:
    before = everything(users_server)

    inner = run(till, users_server, "business.py", *xdist)

    assert set(inner.cases) - inner.passed == {"test_left_in_a_queue"}, inner.text
    assert inner.lacks("test_left_in_a_queue", 'No worker consumes the queue "nowhere"') == []
    assert before == everything(users_server)
    assert str(urlsplit(users_server.address).password) not in inner.text


@pytest.mark.parametrize("xdist", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_an_evicting_server_is_warned_about(till: Project, users_server: Endpoint, xdist: tuple[str, ...]) -> None:
    with redis.Redis.from_url(users_server.url()) as client:
        client.config_set("maxmemory-policy", "allkeys-lru")

    inner = run(till, users_server, "business.py", "-k", "test_many", *xdist)

    assert inner.status == pytest.ExitCode.OK
    assert "has maxmemory-policy=allkeys-lru" in inner.text


def test_it_is_not_ours_to_kill(till: Project, users_server: Endpoint) -> None:
    before = everything(users_server)

    inner = run(till, users_server, "broker_dies.py")

    assert {"error"} == {case.outcome for case in inner.cases.values()}, inner.text
    assert 'celery_recovery: kill="broker" needs a broker that is ours to kill' in inner.text
    assert "celery_perf_broker=redis://:***@" in inner.text
    assert "(command line)" in inner.text
    assert "set it to process, container or auto" in inner.text
    assert before == everything(users_server)


def test_what_would_kill_it_keeps_no_other_test_of_its_file_from_running(till: Project, users_server: Endpoint) -> None:
    killer = '\n\n@pytest.mark.celery_recovery(kill="broker")\ndef test_kills() -> None:\n    assert False, "ran"\n'
    till.write("business.py", (till.folder / "business.py").read_text() + killer)

    inner = run(till, users_server, "business.py", "-k", "test_results or test_kills")
    assert ("error", {"test_results"}) == (inner.cases["test_kills"].outcome, inner.passed), inner.text
    assert 'celery_recovery: kill="broker" needs a broker that is ours to kill' in inner.cases["test_kills"].message

    assert run(till, users_server, "business.py::test_results").passed == {"test_results"}


@pytest.mark.parametrize("demand", ["", "&ssl_cert_reqs=CERT_REQUIRED", "&ssl_cert_reqs=required"])
def test_one_that_speaks_tls(till: Project, tmp_path: Path, demand: str) -> None:
    """Without the demand Celery refuses the URL of results; the spelling that it then recommends redis-py refuses."""
    with tls_redis(tmp_path) as url:
        inner = till.run(f"--celery-perf-broker={url}{demand}", "business.py", "-k", "test_results")

        assert inner.status == pytest.ExitCode.OK, inner.text
        with redis.Redis.from_url(url) as client:
            assert client.keys() == []


def test_a_server_whose_certificate_nobody_has_signed(till: Project, tmp_path: Path) -> None:
    with tls_redis(tmp_path) as url:
        bare = url.partition("?")[0]

        refused = till.run(f"--celery-perf-broker={bare}", "business.py")
        taken = till.run(f"--celery-perf-broker={bare}?ssl_cert_reqs=CERT_NONE", "business.py", "-k", "test_many")

    assert refused.status == pytest.ExitCode.USAGE_ERROR
    assert "does not answer" in refused.text
    assert "CERTIFICATE_VERIFY_FAILED" in refused.text
    assert taken.status == pytest.ExitCode.OK, taken.text


def test_one_that_does_not_answer(till: Project) -> None:
    inner = till.run("--celery-perf-broker=redis://127.0.0.1:1/0", "business.py")

    assert inner.status == pytest.ExitCode.USAGE_ERROR
    assert "celery_perf_broker='redis://127.0.0.1:1/0' does not answer" in inner.text
