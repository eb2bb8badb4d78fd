"""Workers never touch the project's real databases: what no test asks for has no test database, and is closed."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from .inner import Project

REAL = """
from pathlib import Path

for alias, each in DATABASES.items():
    each["NAME"] = str(Path(__file__).with_name(f"{alias}.sqlite3"))
"""
SUITE = """
import pytest
from library.tasks import joined, publish, publish_in

def test_forgotten(celery_perf):
    assert celery_perf.run(publish, args=("Persuasion",)).succeeded == 1

@pytest.mark.celery_queries(max=9)
def test_marked():
    publish.delay("Persuasion")
"""
ASKING = """
@pytest.mark.django_db(transaction=True)
def test_asking(celery_perf):
    assert celery_perf.run(publish, args=("Emma",)).succeeded == 1

@pytest.mark.celery_latency(max="60s")
def test_of_another():
    publish_in.delay("archive", "Persuasion")
"""
OWN = """
import pytest

@pytest.fixture(scope="session")
def django_db_setup():
    pass
"""
CLOSED = (
    "database '{}' is closed to the workers: no test of this run asks for it",
    "@pytest.mark.django_db(transaction=True",
)


@pytest.fixture
def project(library: Project) -> Project:
    """Return one with databases that hold tables."""
    settings = library.folder / "library" / "settings.py"
    settings.write_text(settings.read_text() + REAL)
    with (library.folder / "library" / "tasks.py").open("a") as file:
        file.write(
            "\n\n@shared_task\ndef publish_in(alias: str, title: str) -> None:\n"
            "    Author.objects.using(alias).create(name=title)\n"
        )
    for alias in ("default", "archive"):
        command = [sys.executable, "-m", "django", "migrate", "--run-syncdb", f"--database={alias}"]
        environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "library.settings"}
        subprocess.run(command, cwd=library.folder, env=environment, check=True, capture_output=True, timeout=60)
    return library


def authors(project: Project, alias: str = "default") -> int:
    with closing(sqlite3.connect(project.folder / "library" / f"{alias}.sqlite3")) as connection:
        (count,) = connection.execute("SELECT COUNT(*) FROM library_author").fetchone()
    return int(count)


def test_without_a_test_that_asks_all_are_closed(project: Project) -> None:
    project.write("test_library.py", SUITE)

    said = project.run()

    assert said.passed == set(), said.text
    assert said.lacks("test_marked", "succeeded 0 of 1", *(each.format("default") for each in CLOSED)) == [], said.text
    assert authors(project) == 0


def test_one_of_which_there_is_no_test_database_is_closed(project: Project) -> None:
    project.write("test_library.py", SUITE + ASKING)

    said = project.run()

    assert said.passed == {"test_forgotten", "test_marked", "test_asking"}, said.text
    words = (*(each.format("archive") for each in CLOSED), ", databases=['default', 'archive'])")
    assert said.lacks("test_of_another", *words) == [], said.text
    assert (authors(project), authors(project, "archive")) == (0, 0)


def test_a_project_may_mean_its_real_ones(project: Project) -> None:
    project.write("test_library.py", SUITE + ASKING)
    project.write("conftest.py", OWN)

    said = project.run("-k", "asking")

    assert said.passed == {"test_asking"}, said.text
