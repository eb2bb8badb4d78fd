"""A stored run knows the commit that it is of."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from pytest_celery_perf.stored import commit_of

AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    (tmp_path / "tasks.py").write_text("pay = 1\n")
    for command in (("init", "-q"), ("add", "."), (*AUTHOR, "commit", "-q", "-m", "Pay")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def test_what_is_committed_has_its_name(repository: Path) -> None:
    name = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=repository, check=True, capture_output=True, text=True
    ).stdout
    commit = commit_of(repository)
    assert commit
    assert name.startswith(commit)


def test_what_was_changed_since_is_marked(repository: Path) -> None:
    commit = commit_of(repository)
    (repository / "perf-history").mkdir()
    assert commit == commit_of(repository)
    (repository / "tasks.py").write_text("pay = 2\n")
    assert f"{commit}+" == commit_of(repository)


def test_outside_of_a_repository_there_is_none(tmp_path: Path) -> None:
    assert not commit_of(tmp_path)


def test_without_git_there_is_none(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert not commit_of(repository)
