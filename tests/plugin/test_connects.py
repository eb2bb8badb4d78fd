"""``celery_queries(connects=)`` on Django's connections, which Celery closes around each task unless told not to."""

from __future__ import annotations

import pytest

from .inner import Project

SUITE = """
import pytest
from library.tasks import joined

@pytest.mark.django_db(transaction=True)
@pytest.mark.celery_worker(concurrency=1)
@pytest.mark.celery_queries(connects=0, warmup=1)
def test_connections_last(celery_perf):
    celery_perf.run(joined, times=3)
"""
TEST = "test_connections_last"


@pytest.fixture
def project(library: Project) -> Project:
    library.write("test_connects.py", SUITE)
    return library


def test_connections_that_do_not_last_are_found(project: Project) -> None:
    said = project.run()

    words = ("connects 1 (budget ≤ 0)", "unless its CELERY_DB_REUSE_MAX is set (before 5.7 CONN_MAX_AGE is enough)")
    assert said.lacks(TEST, *words) == [], said.text


def test_they_last_where_one_worker_is_told(project: Project) -> None:
    told = SUITE.replace(
        "concurrency=1", "concurrency=1, config={'CELERY_DB_REUSE_MAX': 100, 'CELERY_TASK_TIME_LIMIT': 99}"
    )
    project.write("test_connects.py", told)
    with (project.folder / "library" / "settings.py").open("a") as file:
        file.write("\nfor each in DATABASES.values():\n    each['CONN_MAX_AGE'] = 60\n")

    said = project.run()

    assert said.passed == {TEST}, said.text


def test_they_last_where_celery_is_told_as_the_message_says(project: Project) -> None:
    with (project.folder / "library" / "settings.py").open("a") as file:
        file.write("\nCELERY_DB_REUSE_MAX = 100\nfor each in DATABASES.values():\n    each['CONN_MAX_AGE'] = 60\n")

    said = project.run()

    assert said.passed == {TEST}, said.text
