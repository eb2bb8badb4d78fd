from __future__ import annotations

import os
from pathlib import Path

import pytest

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
    resources: list[Resource] = [Directory("/d"), Keys("redis://", "p"), Container("c", None), ProcessGroup(1, 2)]

    assert list(reversed(resources)) == sorted(resources, key=turn)


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
