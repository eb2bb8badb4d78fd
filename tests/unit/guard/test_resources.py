from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from pytest_celery_perf.guard import resources
from pytest_celery_perf.guard.processes import start_time
from pytest_celery_perf.guard.resources import (
    Container,
    Directory,
    Keys,
    Network,
    ProcessGroup,
    Resource,
    dump,
    load,
    turn,
)


@pytest.mark.parametrize(
    "resource",
    [
        ProcessGroup(17, 4711),
        ProcessGroup(17, None),
        Container("celery-perf-a", None),
        Container("b", "tcp://docker.example:2376"),
        Network("celery-perf-a", None),
        Keys("redis://:secret@localhost:6379/0", "celery-perf:a:"),
        Directory("/tmp/a b\n"),
    ],
)
def test_a_resource_survives_the_pipe(resource: Resource) -> None:
    line = dump(resource)

    assert "\n" not in line
    assert resource == load(line)


def test_who_writes_is_ended_before_what_is_written_is_removed() -> None:
    every: list[Resource] = [
        Directory("/d"),
        Keys("redis://", "p"),
        Network("c", None),
        Container("c", None),
        ProcessGroup(1, 2),
    ]

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
@pytest.mark.parametrize("kind", [Container, Network])
def test_what_an_engine_is_only_making_is_removed(
    monkeypatch: pytest.MonkeyPatch, kind: type[Container | Network], answers: list[str]
) -> None:
    """The engine goes on with what it was asked for by a process that was killed meanwhile."""
    docker = pytest.importorskip("docker")
    left = [*answers]

    def remove(name: str, **_: bool) -> None:
        assert name == "celery-perf-a"
        if answer := left.pop(0):
            raise getattr(docker.errors, answer)("not now")

    api = SimpleNamespace(**{f"remove_{kind.__name__.lower()}": remove})
    monkeypatch.setattr(docker, "from_env", lambda **_: SimpleNamespace(api=api, close=lambda: None))
    kind("celery-perf-a", None).remove()
    assert left == []


@pytest.mark.parametrize(("answer", "raises"), [("NotFound", False), ("APIError", True)])
@pytest.mark.parametrize("kind", [Container, Network])
def test_what_an_engine_does_not_make_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, kind: type[Container | Network], answer: str, *, raises: bool
) -> None:
    docker = pytest.importorskip("docker")
    refuse = Mock(side_effect=getattr(docker.errors, answer)("no"))
    api = SimpleNamespace(**{f"remove_{kind.__name__.lower()}": refuse})
    monkeypatch.setattr(docker, "from_env", lambda **_: SimpleNamespace(api=api, close=lambda: None))
    monkeypatch.setattr(resources, "_MAKING_S", -1.0)
    with pytest.raises(docker.errors.APIError) if raises else nullcontext():
        kind("celery-perf-a", None).remove()
