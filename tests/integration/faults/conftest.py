from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tests.plugin.inner import Inner, Project

SUITES = Path(__file__).parent / "apps" / "suites"
_MARK = "OFFICE_RUN"
"""A variable that every process of one inner run inherits, and no other process has."""

Run = Callable[..., Inner]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """Run a suite in a project of its own, such as ``run("pools", "-k", "solo")``; nothing of it may be left."""
    project, token, folder = Project.copy("plain", tmp_path / "plain"), secrets.token_hex(16), tmp_path / "tmp"
    folder.mkdir()

    def run(suite: str, *arguments: str, env: Mapping[str, str] | None = None) -> Inner:
        shutil.copy(SUITES / f"{suite}.py", project.folder / f"test_{suite}.py")
        return project.run(*arguments, env={_MARK: token, "TMPDIR": str(folder), **dict(env or {})})

    yield run
    assert _processes(f"{_MARK}={token}") == []
    # The user's own directory stays, with the lock that his runs share.
    assert [path for path in folder.rglob("*") if path.parent != folder and path.name != ".lock"] == []


def _processes(mark: str) -> list[str]:
    """Return the command lines of living processes that carry a mark; where there is no /proc, none."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text())
        except OSError:
            continue
    return found
