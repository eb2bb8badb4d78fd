"""Each drill passes good code, and fails bad code with what would have to change."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.versions import WAITS_BEHIND_ITSELF

from .inner import Inner, Project

FAILS = {
    "test_bad[deploy]": (
        "celery_drill[deploy] office.burn: drain 1 killed after it (budget ≤ 200ms, the grace period)",
        "✗ lost",
        "a rolling restart under load",
        "lost because it was acknowledged before it ran (acks_late=False)",
        "stop-worker (SIGTERM)",
        "kill-worker (SIGKILL)",
        "give the workers a longer grace period (terminationGracePeriodSeconds",
        "What happened:",
    ),
    "test_bad_queue[broker_restart]": (
        "celery_drill[broker_restart] office.safe: lost 2 (budget = 0)",
        "kill-broker (its data are lost)",
        "in production never",
        "appendonly yes",
    ),
    "test_bad_without_a_lock[network_partition]": (
        "celery_drill[network_partition] office.safe: ran twice at once 1 (budget = 0)",
        "the broker delivered again what still ran: let the task take a lock",
    ),
    "test_bad_task[worker_oom-early]": (
        "celery_drill[worker_oom] office.unsafe: lost 1 (budget = 0)",
        "SIGKILL, as by the kernel's OOM killer: these workers' memory has no limit",
        "set acks_late=True and reject_on_worker_lost=True in the decorator of unsafe (office.py:",
    ),
    "test_bad_task[worker_oom-not_rejected]": (
        "celery_drill[worker_oom] office.half_safe: lost 1 (budget = 0)",
        "set reject_on_worker_lost=True in the decorator of half_safe (office.py:",
    ),
    "test_bad_without_a_lock[poison_pill]": (
        "celery_drill[poison_pill] office.safe: killed by one task 5, and it went on (budget ≤ 4)",
        "a task kills each process that runs it",
        "retry_on_worker_lost=True, where your Celery has it",
    ),
    "test_bad_without_a_lock[long_task]": (
        "celery_drill[long_task] office.safe: delivered again 1× (budget = 0×)",
        "✗ time limit",
        "✗ ran twice at once",
        "set time_limit= below the visibility timeout in the decorator of safe (office.py:",
    ),
    "test_bad_eta[eta_beyond_visibility]": (
        "celery_drill[eta_beyond_visibility] office.safe: delivered again 1× (budget = 0×)",
        "✗ executions",
        "✗ longest countdown",
        "raise visibility_timeout in broker_transport_options",
    ),
    "test_bad_since_nothing_runs[deploy]": ("Nothing was published",),
}
if WAITS_BEHIND_ITSELF:
    del FAILS["test_bad_without_a_lock[network_partition]"]  # its one worker runs it twice, but never at once
RECOVERIES = {
    "deploy": "as here",
    "worker_oom": "up to 5s",
    "network_partition": "as here",
}
"""What waits of each drill's good test in production."""
OPEN = """
import pytest
from office import safe

@pytest.mark.celery_drill(max_executions=3)
def test_open(): safe.delay()

@pytest.mark.celery_drill("worker_oom")
def test_named(): safe.delay()

def test_neither(celery_perf): safe.delay()
"""

FAR = """
import time
import pytest
from office import safe

@pytest.mark.celery_drill("deploy")
def test_far(celery_perf):
    safe.apply_async(countdown=7200)
    began = time.monotonic()
    try:
        celery_perf.wait(timeout="1s")
    finally:
        assert time.monotonic() - began < 60, "half the time that a drill may wait"
"""
SLOW = """
import time
from celery.signals import task_received
from office import app

@task_received.connect
def look_at(**_):
    time.sleep(0.03)
"""
"""An app whose workers take their time with each message that they receive."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Inner:
    project = Project.copy("plain", tmp_path_factory.mktemp("drills") / "plain", "drills")
    return project.run("--celery-perf-timeout=20s", "--celery-perf-time-scale=0.0003")


def test_good_code_passes(played: Inner) -> None:
    assert played.cases.keys() - FAILS.keys() == played.passed | _skipped(played), played.text


def _skipped(inner: Inner) -> set[str]:
    return {name for name, case in inner.cases.items() if case.outcome == "skipped"}


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(played: Inner, test: str) -> None:
    assert played.lacks(test, *FAILS[test]) == [], played.cases[test].message


@pytest.mark.parametrize("drill", RECOVERIES)
def test_recovery_is_told_as_measured_and_as_in_production(played: Inner, drill: str) -> None:
    summary = played.text.rpartition("= celery-perf =")[2]
    passed = summary[summary.index(f"✓ celery_drill[{drill}]") :]
    assert f"(in production {RECOVERIES[drill]})" in passed.partition("\n✓")[0], summary


def test_a_drill_strikes_once_messages_and_workers_have_come_to_rest(tmp_path: Path) -> None:
    """In between, chance would decide whether a worker hangs for want of a start, and whether a message is lost."""
    project = Project.copy("plain", tmp_path / "plain", "rest")
    project.write("slow.py", SLOW)
    inner = project.run("--celery-perf-app=slow:app")
    assert inner.cases.keys() == inner.passed, inner.text


def test_a_drill_does_not_wait_for_what_comes_after_the_test(plain: Project) -> None:
    plain.write("test_far.py", FAR)
    inner = plain.run("--celery-perf-timeout=2min", "test_far.py")
    message = inner.cases["test_far[deploy]"].message
    assert (True, False) == ("workers restarted 0×" in inner.text, "half the time" in message), inner.text


def test_the_option_adds_its_drills_to_the_tests_that_name_none(plain: Project) -> None:
    plain.write("test_open.py", OPEN)
    inner = plain.run("--celery-perf-drill=worker_oom,long_task", "--celery-perf-drill", "deploy", "--collect-only")
    named = [line.strip() for line in inner.text.splitlines() if "<Function" in line]
    expected = ["test_open[worker_oom]", "test_open[long_task]", "test_open[deploy]", "test_named[worker_oom]"]
    assert [f"<Function {name}>" for name in [*expected, "test_neither"]] == named, inner.text
    assert {"test_open[worker_oom]"} == plain.run("--celery-perf-drill=worker_oom", "test_open.py::test_open").passed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ("--celery-perf-drill=flood",),
            "celery_perf_drill (command line): 'flood' is not one of deploy, broker_restart",
        ),
        (
            ("--celery-perf-drill=deploy", "-k", "neither"),
            "no selected test is marked @pytest.mark.celery_drill without",
        ),
    ],
)
def test_a_drill_that_cannot_be_played_is_refused(plain: Project, arguments: tuple[str, ...], words: str) -> None:
    plain.write("test_open.py", OPEN)
    inner = plain.run(*arguments)
    assert (4, True) == (inner.status, words in inner.text), inner.text


@pytest.mark.parametrize(
    ("mark", "words"),
    [
        ("'flood'", "name='flood' is not one of deploy, broker_restart, network_partition"),
        ("'deploy', 'worker_oom'", "one drill for each mark; write it once for each of them"),
        ("'deploy', outage='1s'", "outage= is of broker_restart and network_partition"),
        ("'deploy', grace='soon'", "grace='soon': expected seconds"),
        ("'poison_pill', at='lunch'", "at='lunch' is not"),
        ("'deploy', bottles=3", "there is no bottles=; valid are name, task, max_executions"),
    ],
)
def test_mistakes_are_told_at_collection(plain: Project, mark: str, words: str) -> None:
    plain.write(
        "test_mistake.py",
        f"import pytest\nfrom office import safe\n@pytest.mark.celery_drill({mark})\ndef test_it(): safe.delay()\n",
    )
    inner = plain.run("--collect-only")
    assert words in inner.text, inner.text


def test_a_unittest_case_is_refused(plain: Project) -> None:
    plain.write(
        "test_case.py",
        "import unittest\nimport pytest\n"
        "class TestCase(unittest.TestCase):\n"
        "    @pytest.mark.celery_drill('deploy')\n"
        "    def test_it(self): pass\n",
    )
    assert "pytest cannot run a method of a unittest case several times" in plain.run("--collect-only").text


def test_the_users_own_broker_is_not_killed(plain: Project) -> None:
    plain.write("test_open.py", OPEN)
    drill = ("--celery-perf-drill=broker_restart", "-k", "broker_restart")
    inner = plain.run(*drill, "--celery-perf-broker=redis://localhost:1/0")
    assert 'celery_drill("broker_restart") needs a broker that is ours to kill' in inner.text, inner.text


@pytest.mark.slow
@pytest.mark.parametrize("pool", ["threads", "solo", pytest.param("gevent", marks=pytest.mark.gevent)])
def test_pools_without_children(tmp_path: Path, pool: str) -> None:
    project = Project.copy("plain", tmp_path / "plain", "drill_pools")
    inner = project.run("--celery-perf-time-scale=0.0003", env={"OFFICE_POOL": pool})
    words = (
        f"the pool {pool} runs tasks in no child process: it is the whole worker that dies",
        "killed by one task 5, and it went on",
        "fix: the broker delivers the message of a dead worker again",
    )
    assert inner.lacks("test_bad[poison_pill]", *words) == [], inner.text
    assert inner.cases.keys() - {"test_bad[poison_pill]"} == inner.passed, inner.text
    told = inner.text.rpartition("= celery-perf =")[2].partition("celery_drill[worker_oom]")[2]
    wait = "never, while gevent workers are idle" if pool == "gevent" else "up to 1.03h"
    assert f"(in production {wait})" in told.partition("\n✓")[0], told


@pytest.mark.docker
@pytest.mark.slow
def test_the_kernel_kills_what_takes_too_much_memory(plain: Project, worker_image: str) -> None:
    plain.write(
        "test_memory.py",
        "import pytest\nfrom office import safe, unsafe\n"
        "pytestmark = [\n"
        f'    pytest.mark.celery_worker(runtime="container", image="{worker_image}", memory="256MiB", concurrency=1),\n'
        '    pytest.mark.celery_drill("worker_oom"),\n'
        "]\n"
        "def test_good(): safe.delay()\n"
        "def test_bad(): unsafe.delay()\n",
    )
    inner = plain.run()
    words = ("celery_drill[worker_oom] office.unsafe: lost 1 (budget = 0)", "exhaust-memory")
    assert inner.lacks("test_bad[worker_oom]", *words) == [], inner.text
    assert {"test_good[worker_oom]"} == inner.passed, inner.text
