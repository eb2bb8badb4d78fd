from __future__ import annotations

import pytest

from tests.integration.pitfalls.session import Session, run

STRICT = ("--strict-config", "--strict-markers", "-W", "error")


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A Django app with several habits of well-known ones; its scenes have run."""
    folder = tmp_path_factory.mktemp("shop")
    return run("shop", "scenes.py", *STRICT, folder=folder, SHOP_MIGRATION_LOG=str(folder / "migrations"))


@pytest.fixture(scope="session")
def shop_in_parallel(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Some of its scenes, under pytest-xdist and pytest-cov."""
    folder = tmp_path_factory.mktemp("parallel")
    parallel = ("--numprocesses=2", "--dist=loadscope", "--cov=shop", f"--cov-report=json:{folder / 'coverage.json'}")
    files = ("scenes.py", "scenes_elsewhere.py")
    chosen = ("-k", "test_call or settings or elsewhere")
    return run("shop", *files, *chosen, *STRICT, *parallel, folder=folder, COVERAGE_FILE=str(folder / "coverage"))


@pytest.fixture(scope="session")
def refused(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """A scene that cannot work."""
    return run("shop", "scenes_refused.py", *STRICT, folder=tmp_path_factory.mktemp("refused"))


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """An app without a result backend, with task classes of its own."""
    return run("plain", "scenes_bare.py", *STRICT, folder=tmp_path_factory.mktemp("bare"), app="bare:app")


@pytest.fixture(scope="session")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Two apps: one publishes, another one runs the tasks of the same names."""
    folder = tmp_path_factory.mktemp("twins")
    return run("plain", "scenes_twins.py", *STRICT, folder=folder, app="backend:app")


@pytest.fixture(scope="session")
def legacy(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """An app that is configured by the setting names of Celery 3."""
    return run("plain", "scenes_legacy.py", *STRICT, folder=tmp_path_factory.mktemp("legacy"), app="legacy:app")


@pytest.fixture(scope="session")
def fussy(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """An app that refuses what it does not know, with its own keys, serializer and logging."""
    return run("plain", "scenes_fussy.py", *STRICT, folder=tmp_path_factory.mktemp("fussy"), app="fussy:app")
