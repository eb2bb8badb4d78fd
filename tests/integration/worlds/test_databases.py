"""The worker works on the databases of the test, whatever they are."""

from __future__ import annotations

import importlib.util

import pytest

from tests.integration.worlds.databases import Server
from tests.integration.worlds.town import Town

TESTS = 9
ALONE_OR_NOT = pytest.mark.parametrize("arguments", [(), ("-n", "2")], ids=["alone", "xdist"])


@ALONE_OR_NOT
def test_sqlite(town: Town, arguments: tuple[str, ...]) -> None:
    visit = town.visit("databases", *arguments)
    visit.all_passed(TESTS)
    assert "database default: /nonexistent/default.sqlite3" in visit.inner.text
    assert "database archive: /nonexistent/archive.sqlite3" in visit.inner.text


def test_one_sqlite_database(town: Town) -> None:
    town.visit("databases", env={"TOWN_ONE_DATABASE": "1"}).all_passed(TESTS)


@pytest.mark.postgresql
@ALONE_OR_NOT
def test_postgresql(town: Town, server: Server, arguments: tuple[str, ...]) -> None:
    visit = town.visit("databases", *arguments, env=server.environment)
    visit.all_passed(TESTS)
    assert f"database default: {server.name}_default" in visit.inner.text
    assert server.left == []


@pytest.mark.postgresql
def test_connections_that_are_kept(town: Town, server: Server) -> None:
    visit = town.visit("databases", env=server.environment | {"TOWN_KEEPS_CONNECTIONS": "1"})
    visit.all_passed(TESTS)
    assert server.left == []


@pytest.mark.postgresql
@pytest.mark.skipif(not importlib.util.find_spec("psycopg_pool"), reason="needs pip install 'psycopg[pool]'")
def test_a_pool_of_connections_of_threads(town: Town, server: Server) -> None:
    workers = "--celery-perf-workers=town: -P threads -c 3"
    visit = town.visit("databases", workers, env=server.environment | {"TOWN_POOLS_CONNECTIONS": "1"})
    visit.all_passed(TESTS)
    assert server.left == []


def test_content_types_would_be_stale(town: Town) -> None:
    """What `test_content_types` of the suite proves: without our doing, it fails."""
    with (town.folder / "town" / "celery.py").open("a") as file:
        file.write("\nfrom pytest_celery_perf.probe import django_glue\n")
        file.write("django_glue.clear_stale_caches = lambda: None\n")
    visit = town.visit("databases", "-k", "test_content_types", "--celery-perf-workers=town: -c 1")
    outcomes = [case.outcome for case in visit.inner.cases.values()]
    assert outcomes == ["passed", "failed", "failed"], visit.inner.text


def test_what_cannot_work_is_refused(town: Town) -> None:
    visit = town.visit("refused")
    assert visit.inner.status == 2, visit.inner.text
    refusals = [line for line in visit.inner.text.splitlines() if line.startswith("test_refused.py::")]
    told = {line.partition(": ")[0].rpartition("::")[2]: line for line in refusals}
    assert told.keys() == {
        "test_with_db",
        "test_with_the_mark",
        "test_with_a_case",
        "test_without_children",
    }, visit.inner.text
    assert 'pool threads runs tasks in no child process; write kill="worker"' in told.pop("test_without_children")
    for line in told.values():
        assert "inside a database transaction" in line
        assert "django_db(transaction=True)" in line
        assert "TransactionTestCase" in line
