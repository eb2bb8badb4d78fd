from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from pytest_celery_perf.guard import resources
from pytest_celery_perf.guard.processes import start_time
from pytest_celery_perf.guard.resources import Container, Directory, Keys, ProcessGroup, Resource, dump, load, turn


@pytest.mark.parametrize(
    "resource",
    [
        ProcessGroup(17, 4711),
        ProcessGroup(17, None),
        Container("celery-perf-a", None),
        Container("b", "tcp://docker.example:2376"),
        Keys("redis://:secret@localhost:6379/0", "celery-perf:a:"),
        Directory("/tmp/a b\n"),
    ],
)
def test_a_resource_survives_the_pipe(resource: Resource) -> None:
    line = dump(resource)

    assert "\n" not in line
    assert resource == load(line)


def test_who_writes_is_ended_before_what_is_written_is_removed() -> None:
    every: list[Resource] = [Directory("/d"), Keys("redis://", "p"), Container("c", None), ProcessGroup(1, 2)]

    assert list(reversed(every)) == sorted(every, key=turn)


def test_a_group_whose_number_belongs_to_a_later_process_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[list[int]] = []
    monkeypatch.setattr("pytest_celery_perf.guard.resources.kill_groups", killed.append)
    started = start_time(os.getpid())
    assert started is not None

    ProcessGroup(os.getpid(), started - 1).remove()
    assert killed == []

    ProcessGroup(os.getpid(), started).remove()
    assert killed == [[os.getpid()]]


def test_a_directory_that_is_gone_already_is_no_problem(tmp_path: Path) -> None:
    Directory(str(tmp_path / "never")).remove()


@pytest.mark.parametrize("answers", [["NotFound", "NotFound", ""], ["APIError", ""]], ids=" ".join)
def test_a_container_that_is_only_being_made_is_removed(monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> None:
    """The engine goes on with what it was asked for by a process that was killed meanwhile."""
    docker = pytest.importorskip("docker")
    left = [*answers]

    def remove_container(name: str, **_: bool) -> None:
        assert name == "celery-perf-a"
        if answer := left.pop(0):
            raise getattr(docker.errors, answer)("not now")

    client = SimpleNamespace(api=SimpleNamespace(remove_container=remove_container), close=lambda: None)
    monkeypatch.setattr(docker, "from_env", lambda **_: client)
    Container("celery-perf-a", None).remove()
    assert left == []


@pytest.mark.parametrize(("answer", "raises"), [("NotFound", False), ("APIError", True)])
def test_a_container_that_is_not_made_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, answer: str, *, raises: bool
) -> None:
    docker = pytest.importorskip("docker")
    api = SimpleNamespace(remove_container=Mock(side_effect=getattr(docker.errors, answer)("no")))
    monkeypatch.setattr(docker, "from_env", lambda **_: SimpleNamespace(api=api, close=lambda: None))
    monkeypatch.setattr(resources, "_MAKING_S", -1.0)
    with pytest.raises(docker.errors.APIError) if raises else nullcontext():
        Container("celery-perf-a", None).remove()
