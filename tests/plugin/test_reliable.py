"""``celery_reliable`` passes good code, and fails bad code with what would have to change."""

from __future__ import annotations

import json

import pytest

from .inner import Inner, Project

SCALE = "--celery-perf-time-scale=0.0001"
"""For the retry after two hours."""

FAILS = {
    "test_lost": (
        "celery_reliable office.unsafe: lost 1 (budget = 0)",
        "lost because it was acknowledged before it ran (acks_late=False)",
        "LOST office.unsafe[",
        "kill-child at started",
        "its message is acknowledged",
        "set acks_late=True and reject_on_worker_lost=True in the decorator of unsafe (office.py:",
        "What happened:",
        "acknowledged unsafe[",
        "has none of the tasks (after kill-child)",
    ),
    "test_lost_with_the_worker": ("lost 1 (budget = 0)", "LOST office.unsafe[", "kill-worker at started", "is gone"),
    "test_failed": (
        "celery_reliable office.fragile: failed 1 (budget = 0)",
        "FAILED office.fragile[",
        "it failed with builtins.LookupError: the drawer is empty",
    ),
    "test_failed_otherwise": ("failed otherwise than with builtins.ValueError 1 (budget = 0)",),
    "test_too_often": (
        "celery_reliable office.safe: executions 2 (budget ≤ 1)",
        "RECOVERED office.safe[",
        "it succeeded after its process had died 1×",
        "put safe[",
        "started safe[",
        "again (delivery 2)",
    ),
    "test_dies_again_and_again": ("executions 4 (budget ≤ 2)", "died 3×", "fix: Celery puts the task of a dead child"),
    "test_too_late": ("recovery ", "(budget ≤ 1ns)", "from the first fault to the end of office.safe["),
    "test_beyond_the_visibility_timeout": (
        "longest countdown 2h (budget < 1h, the visibility timeout)",
        "raise visibility_timeout in broker_transport_options",
    ),
    "test_beyond_that_of_one_worker": ("longest countdown 2h (budget < 60s, the visibility timeout)",),
    "test_the_worker_dies": (
        "✗ workers that died",
        "the worker mortal@",
        "died, though nobody killed it (exit status -9",
        "workers_alive=False if that is meant",
    ),
    "test_stranded_in_a_queue": (
        "celery_reliable office.misrouted: stranded 1 (budget = 0)",
        "STRANDED office.misrouted[",
        "it waits in the queue 'nowhere', which no living worker consumes",
        "] in 'nowhere' (after the end)",
    ),
    "test_stranded_until_its_eta": ("✗ left in unacked", "holds it in unacked until its ETA"),
}
STATES = """
import pytest
from remembering import app, remembered

@pytest.mark.celery_reliable()
def test_the_state_is_true(celery_perf):
    celery_perf.run(remembered)

@pytest.mark.celery_reliable()
def test_the_state_lies(celery_perf):
    task_id = celery_perf.run(remembered).lives[0].task_id
    told = {"status": "RETRY", "result": None, "traceback": None, "children": [], "task_id": task_id}
    app.backend.client.set(app.backend.get_key_for_task(task_id), app.backend.encode(told))
"""
REMEMBERING = """
from office import app

app.conf.result_backend = "redis://results.invalid:1/0"

@app.task(ignore_result=False)
def remembered():
    return 1
"""


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    project = Project.copy("plain", tmp_path_factory.mktemp("reliable") / "plain", "reliable")
    ending = project.run(SCALE, "-k", "not stranded")
    endless = project.run("--celery-perf-timeout=5s", "-k", "stranded")
    return Inner(status=ending.status, text=ending.text + endless.text, cases={**ending.cases, **endless.cases})


def test_good_code_passes(tried: Inner) -> None:
    assert tried.cases.keys() - FAILS.keys() == tried.passed, tried.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(tried: Inner, test: str) -> None:
    assert tried.lacks(test, *FAILS[test]) == [], tried.cases[test].message


def test_a_state_that_is_not_so(plain: Project) -> None:
    plain.write("remembering.py", REMEMBERING)
    plain.write("test_states.py", STATES)
    inner = plain.run("-o", "celery_perf_app=remembering:app")
    words = ("states that are not so 1 (budget = 0)", "the result backend says RETRY of remembering.remembered[")
    assert inner.lacks("test_the_state_lies", *words, "], but it succeeded") == [], inner.text
    assert {"test_the_state_is_true"} == inner.passed, inner.text


def test_the_report_file_has_the_journal_of_what_went_wrong(plain: Project) -> None:
    plain.write(
        "test_two.py",
        "import pytest\n"
        "from office import add, safe\n"
        "@pytest.mark.celery_recovery(kill='child')\n"
        "def test_crash(): safe.delay()\n"
        "@pytest.mark.celery_latency(max='1min')\n"
        "def test_calm(): add.delay(1, 2)\n",
    )
    inner = plain.run("--celery-perf-json=report.json")
    tests = {
        test["nodeid"].rpartition(":")[2]: test
        for test in json.loads((plain.folder / "report.json").read_text())["tests"]
    }
    assert [] == tests["test_calm"]["journal"], inner.text
    kinds = [entry["kind"] for entry in tests["test_crash"]["journal"]]
    assert ["published", "received", "started"] == kinds[:3]
    assert ["fault", "snapshot", "requeued", "acknowledged"] == [
        each for each in dict.fromkeys(kinds) if each in ("fault", "snapshot", "requeued", "acknowledged")
    ]
