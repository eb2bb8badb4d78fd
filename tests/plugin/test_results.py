"""Results of tests never reach the place where the project keeps its own."""

from __future__ import annotations

from .inner import Project

APP = """
from pathlib import Path
from office import app

app.conf.result_backend = "file://" + str(Path(__file__).with_name("results"))

@app.task(ignore_result=False)
def remembered():
    return 1
"""
SUITE = """
import pytest
from remembering import remembered

@pytest.mark.celery_latency(max="60s")
def test_the_result_is_known(celery_perf):
    assert remembered.delay().get(timeout=60) == 1
"""


def test_results_do_not_go_to_the_folder_of_the_project(plain: Project) -> None:
    results = plain.folder / "results"
    results.mkdir()
    plain.write("remembering.py", APP)
    plain.write("test_remembering.py", SUITE)

    said = plain.run("--celery-perf-app=remembering:app")

    assert said.passed == {"test_the_result_is_known"}, said.text
    assert [*results.iterdir()] == [], "they are the project's own"
    assert f"result_backend (was file://{results})" in "".join(said.text.split("\n")).replace("             ", "")
