"""Workers never touch the project's real databases, nor a test database that their test does not ask for."""

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
SEVERAL = """
import pytest
from library.models import Author
from library.tasks import publish_in
from django.test import TransactionTestCase

default = pytest.mark.django_db(transaction=True)
archive = pytest.mark.django_db(transaction=True, databases=["archive"])
both = pytest.mark.django_db(transaction=True, databases="__all__")
judged = pytest.mark.celery_latency(max="60s")
one_child = pytest.mark.celery_worker(concurrency=1)
in_threads = pytest.mark.celery_worker(concurrency=1, pool="threads")

def is_empty():
    assert [Author.objects.using(alias).count() for alias in ("default", "archive")] == [0, 0]

def ran(celery_perf, alias):
    return celery_perf.run(publish_in, args=(alias, "Persuasion")).succeeded

@both
@one_child
class TestInTurns:
    def test_1_it_asks_for_both(self, celery_perf):
        assert [ran(celery_perf, alias) for alias in ("default", "archive")] == [1, 1]

@default
@one_child
class TestInTurnsOfDefault:
    def test_2_it_asks_for_one(self, celery_perf):
        assert [ran(celery_perf, alias) for alias in ("default", "archive", "default")] == [1, 0, 1]

@both
@one_child
class TestInTurnsAgain:
    def test_3_nothing_was_left(self, celery_perf):
        is_empty()
        assert [ran(celery_perf, alias) for alias in ("default", "archive")] == [1, 1]

@judged
@one_child
class TestCases(TransactionTestCase):
    databases = {"archive"}

    def test_of_a_case(self):
        publish_in.delay("archive", "Persuasion")

    def test_of_a_case_that_asks_for_less(self):
        publish_in.delay("default", "Persuasion")

@default
@judged
def test_of_default():
    publish_in.delay("archive", "Persuasion")

@archive
@judged
@in_threads
def test_of_archive():
    publish_in.delay("default", "Persuasion")

@judged
@in_threads
def test_forgotten():
    publish_in.delay("default", "Persuasion")

@both
@judged
def test_z_nothing_is_left():
    is_empty()
    publish_in.delay("archive", "Persuasion")
"""
OWN = """
import pytest

@pytest.fixture(scope="session")
def django_db_setup():
    pass
"""
MIRROR = """
DATABASES["copy"] = {**DATABASES["default"], "TEST": {"MIRROR": "default"}}
"""
OF_A_MIRROR = """
import pytest
from library.tasks import publish_in

@pytest.mark.django_db(transaction=True)
def test_of_a_copy(celery_perf):
    assert celery_perf.run(publish_in, args=("copy", "Persuasion")).succeeded == 1
"""
REFUSED = "database '{}' is closed to the workers: this test does not ask for it"
ONE_ASKED = {
    "test_of_default": ("archive", "databases=['default', 'archive'])"),
    "test_of_archive": ("default", "databases=['archive', 'default'])"),
    "test_of_a_case_that_asks_for_less": ("default", "databases=['archive', 'default'])"),
    "test_forgotten": ("default", "@pytest.mark.django_db(transaction=True) "),
}


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
    words = "succeeded 0 of 1", REFUSED.format("default"), "@pytest.mark.django_db(transaction=True) "
    assert said.lacks("test_marked", *words) == [], said.text
    assert authors(project) == 0


def test_one_of_which_there_is_no_test_database_is_closed(project: Project) -> None:
    project.write("test_library.py", SUITE + ASKING)

    said = project.run()

    assert said.passed == {"test_asking"}, said.text
    assert said.lacks("test_marked", REFUSED.format("default")) == [], said.text
    words = REFUSED.format("archive"), "@pytest.mark.django_db(transaction=True, databases=['archive'])"
    assert said.lacks("test_of_another", *words) == [], said.text
    assert (authors(project), authors(project, "archive")) == (0, 0)


def test_a_project_may_mean_its_real_ones(project: Project) -> None:
    project.write("test_library.py", SUITE + ASKING)
    project.write("conftest.py", OWN)

    said = project.run("-k", "asking")

    assert said.passed == {"test_asking"}, said.text


@pytest.mark.parametrize("kept", ["", 'for each in DATABASES.values():\n    each["CONN_MAX_AGE"] = None\n'])
def test_what_a_test_does_not_ask_for_is_closed_to_its_tasks(project: Project, kept: str) -> None:
    settings = project.folder / "library" / "settings.py"
    settings.write_text(settings.read_text() + kept)
    project.write("test_library.py", SEVERAL)

    said = project.run()

    assert said.passed == said.cases.keys() - ONE_ASKED, said.text
    for test, (alias, advice) in ONE_ASKED.items():
        assert said.lacks(test, REFUSED.format(alias), advice) == [], said.text
    assert "get_autocommit" not in said.text, "a connection that is kept is looked after without a word"


def test_alone_it_is_closed_as_among_others(project: Project) -> None:
    project.write("test_library.py", SEVERAL)

    said = project.run("-k", "test_of_default")

    assert said.lacks("test_of_default", REFUSED.format("archive"), ONE_ASKED["test_of_default"][1]) == [], said.text


def test_the_copy_of_a_database_that_a_test_asks_for_is_open(project: Project) -> None:
    settings = project.folder / "library" / "settings.py"
    settings.write_text(settings.read_text() + MIRROR)
    project.write("test_library.py", OF_A_MIRROR)

    said = project.run()

    assert said.passed == {"test_of_a_copy"}, said.text
