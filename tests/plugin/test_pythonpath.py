"""Workers find the app where pytest does."""

from __future__ import annotations

from pathlib import Path

import pytest

from .inner import Project


@pytest.fixture
def in_a_source_folder(tmp_path: Path) -> Project:
    """Return a project whose modules only `pythonpath` finds."""
    project = Project.copy("mill", tmp_path / "mill", "gate")
    (project.folder / "src").mkdir()
    for module in ("mill.py", "amounts.py"):
        (project.folder / module).rename(project.folder / "src" / module)
    ini = (project.folder / "pytest.ini").read_text()
    assert "pythonpath = .\n" in ini
    project.write("pytest.ini", ini.replace("pythonpath = .\n", "pythonpath = src\n"))
    return project


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_an_app_in_a_source_folder(in_a_source_folder: Project, start: str) -> None:
    inner = in_a_source_folder.run("-k", "clean", f"--celery-perf-start={start}")
    assert inner.passed == {"test_clean"}, inner.text


@pytest.mark.docker
def test_an_app_in_a_source_folder_and_a_container(in_a_source_folder: Project, worker_image: str) -> None:
    in_a_source_folder.write(
        "test_gate.py",
        "import pytest\n"
        "from mill import clean\n"
        f"@pytest.mark.celery_worker(runtime='container', image={worker_image!r}, concurrency=1)\n"
        "def test_clean(celery_perf):\n"
        "    assert celery_perf.run(clean).succeeded == 1\n",
    )
    inner = in_a_source_folder.run()
    assert inner.passed == {"test_clean"}, inner.text
