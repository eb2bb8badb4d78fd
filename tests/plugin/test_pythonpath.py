"""Workers find the app where pytest does."""

from __future__ import annotations

from pathlib import Path

import pytest

from .inner import Project


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_an_app_in_a_source_folder(tmp_path: Path, start: str) -> None:
    project = Project.copy("mill", tmp_path / "mill", "gate")
    (project.folder / "src").mkdir()
    for module in ("mill.py", "amounts.py"):
        (project.folder / module).rename(project.folder / "src" / module)
    ini = (project.folder / "pytest.ini").read_text()
    assert "pythonpath = .\n" in ini
    project.write("pytest.ini", ini.replace("pythonpath = .\n", "pythonpath = src\n"))
    inner = project.run("-k", "clean", f"--celery-perf-start={start}")
    assert inner.passed == {"test_clean"}, inner.text
