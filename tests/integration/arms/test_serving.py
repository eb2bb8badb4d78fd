"""A pytest process as an arm: what it offers, what its samples say, what it leaves."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_celery_perf.gate.channel import Run
from pytest_celery_perf.model.gate import GateMetric, RegressionBudget
from tests.integration.arms.arms import Arm, Arms

MIB = 1 << 20
WORKS = (
    "nap",
    "burn",
    "hoard",
    "many",
    "hesitant",
    "over_its_budget",
    "sized[1]",
    "sized[2]",
    "seed",
    "where",
    "options",
)
NEEDS = (
    *("test_one", "TestOfAClass::test_two", "TestOfAClass::test_three", "test_that_fails", "test_that_is_not_set_up"),
    *("test_that_is_not_torn_down", "test_that_skips_itself", "test_that_never_ends"),
)
CLOSE = 0.5
"""A machine that others keep busy is slower than a task that waits or computes for a known time, and never faster."""


def notes(project: Path) -> list[str]:
    """Return what the project's tests have noted."""
    file = project / "notes"
    return file.read_text().splitlines() if file.exists() else []


def figures(arm: Arm, test: str, *measure: str) -> dict[str, tuple[float, ...]]:
    """Run a test of one task, and return what that took."""
    ran = arm.run(f"test_works.py::test_{test}", *measure)
    assert ran.complaint == "", arm.output
    (sample,) = ran.samples
    return sample.figures


def alive(pid: str) -> bool:
    """Tell whether a process runs."""
    return Path(f"/proc/{pid}").exists()


def test_what_it_offers(arm: Arm, office: Path) -> None:
    joined = arm.joined()
    tests = {test.nodeid: test for test in joined.tests}
    assert joined.problem == ""
    assert tests.keys() == {f"test_works.py::test_{each}" for each in WORKS} | {f"test_needs.py::{e}" for e in NEEDS}
    assert joined.app_file == str(office / "office.py")
    assert joined.environment.keys() >= {"python", "celery"}
    assert tests["test_works.py::test_nap"].budget == RegressionBudget()
    assert tests["test_works.py::test_hoard"].budget == RegressionBudget(
        metrics=("memory", "drain"), tolerance=0.1, noticeable=0.5
    )
    assert len({test.digest for test in joined.tests}) == len(tests)
    assert arm.leave() == 0


def test_samples_are_true(arm: Arm) -> None:
    arm.joined()
    (slept,) = figures(arm, "nap")[GateMetric.RUNTIME]
    assert 0.05 <= slept
    burnt = figures(arm, "burn")
    assert 0.05 <= burnt[GateMetric.CPU][0] <= 0.05 * (1 + CLOSE)
    assert burnt[GateMetric.RUNTIME][0] <= burnt[GateMetric.END_TO_END][0]
    assert GateMetric.MEMORY not in burnt
    (peak,) = figures(arm, "hoard", "memory")[GateMetric.MEMORY]
    (little,) = figures(arm, "sized[1]", "memory")[GateMetric.MEMORY]
    assert 60 * MIB <= peak - little <= 70 * MIB
    many = figures(arm, "many")
    (drain,) = many[GateMetric.DRAIN]
    assert 12 * 0.01 <= drain
    assert len(many[GateMetric.RUNTIME]) == len(many[GateMetric.QUEUE]) == 12
    assert GateMetric.DRAIN not in burnt
    arm.run("test_works.py::test_hesitant")
    hesitant = {
        each.end: len(each.figures[GateMetric.RUNTIME]) for each in arm.run("test_works.py::test_hesitant").samples
    }
    assert hesitant == {"retried": 1, "succeeded": 1}, "an attempt that asks for another is one, too"


def test_nothing_is_judged(arm: Arm, office: Path) -> None:
    arm.joined()
    assert figures(arm, "over_its_budget")
    assert arm.leave() == 0
    assert "over_its_budget" not in arm.output
    assert sorted(each.name for each in office.glob("*.*ml")) == []


def test_fresh_workers(arm: Arm, office: Path) -> None:
    arm.joined()
    figures(arm, "where")
    figures(arm, "where")
    arm.renew()
    old, same = (note.split()[0] for note in notes(office))
    assert not alive(old)
    figures(arm, "where")
    new = notes(office)[-1].split()[0]
    assert old == same != new


def test_its_own_settings(gate: Arms, office: Path) -> None:
    head = gate.start(office, config={"task_default_queue": "counter"})
    base = gate.start(office, name="base")
    for arm in (head, base):
        arm.joined()
    for arm in (head, base, head, base):
        figures(arm, "where")
    assert [note.split()[1] for note in notes(office)] == ["counter", "celery", "counter", "celery"]


def test_settings_that_tasks_are_made_with(gate: Arms, office: Path) -> None:
    base = gate.start(office, name="base", config={"task_acks_late": True}, cold=True)
    head = gate.start(office, cold=True)
    for arm in (base, head):
        arm.joined()
        figures(arm, "options")
    assert notes(office) == ["cold True", "cold False"]


@pytest.mark.parametrize("start", ["warm", "cold"])
def test_both_have_the_same_hash_seed(gate: Arms, office: Path, start: str) -> None:
    both = [gate.start(office, f"--celery-perf-start={start}", name=name) for name in ("base", "head")]
    for arm in both:
        arm.joined()
        figures(arm, "seed")
        arm.renew()
        figures(arm, "seed")
    assert len(notes(office)) == 4
    assert len({*notes(office)}) == 1


ALL_THREADS = {
    "warm": ("--celery-perf-start=warm", "--celery-perf-workers=clerk: -c 2"),
    "cold": ("--celery-perf-start=cold", "--celery-perf-workers=clerk: -c 2"),
    "threads": ("--celery-perf-workers=clerk: -P threads -c 2",),
    "gevent": ("--celery-perf-workers=clerk: -P gevent -c 2",),
}


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="the platform chooses the cores")
@pytest.mark.parametrize(
    "case", [pytest.param(each, marks=[pytest.mark.gevent] if each == "gevent" else []) for each in ALL_THREADS]
)
def test_workers_on_cores(gate: Arms, office: Path, case: str) -> None:
    core = max(os.sched_getaffinity(0))
    arm = gate.start(office, *ALL_THREADS[case], cores=(core,))
    arm.joined()
    figures(arm, "where")
    (main, _), *_ = map(str.split, notes(office))
    children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
    threads = [int(each.name) for pid in (main, *children) for each in Path(f"/proc/{pid}/task").iterdir()]
    assert len(threads) > 1 or case == "gevent"
    assert {frozenset(os.sched_getaffinity(thread)) for thread in threads} == {frozenset({core})}
    assert os.sched_getaffinity(arm.process.pid) == os.sched_getaffinity(0)


def test_wider_fixtures_stay_while_they_are_needed(arm: Arm, office: Path) -> None:
    arm.joined()

    def run(*tests: str) -> None:
        for test in tests:
            assert arm.run(test).complaint == ""

    run(*["test_needs.py::test_one"] * 2)
    of_one = ["function up", "one", "function down"]
    expected = ["session up", "module up", *of_one, *of_one]
    assert notes(office) == expected
    run(*["test_needs.py::TestOfAClass::test_two", "test_needs.py::TestOfAClass::test_three"] * 2)
    expected += ["class up", *["two", "three"] * 2]
    assert notes(office) == expected
    run("test_works.py::test_where")
    assert notes(office)[:-1] == [*expected, "class down", "module down"]
    run("test_needs.py::test_one")
    assert notes(office)[len(expected) + 3 :] == ["module up", *of_one]
    assert arm.leave() == 0
    assert notes(office)[-2:] == ["module down", "session down"]


COMPLAINTS = {
    "fails": ("the test's own check failed: assert (1 + 1) == 3", "test_needs.py:"),
    "is_not_set_up": ("its setup failed: LookupError: the key is not under the mat",),
    "is_not_torn_down": ("its teardown failed: LookupError: the tap drips",),
    "skips_itself": ("Skipped: no coffee",),
    "never_ends": ("office.nap", "No worker consumes the queue"),
}


def test_complaints(arm: Arm) -> None:
    arm.joined()
    for test, words in COMPLAINTS.items():
        complaint = arm.run(f"test_needs.py::test_that_{test}").complaint
        assert [each for each in words if each not in complaint] == [], complaint
    assert figures(arm, "nap"), "one that failed does not hurt the next"


PROBLEMS = {
    "test_x.py": ("import nowhere", "No module named 'nowhere'"),
    "test_y.py": ("import pytest\n@pytest.mark.celery_latency()\ndef test_it(): pass", "nothing to judge: give p50="),
    "office.py": ("1 / 0", "office.py:1: in <module>"),
}


@pytest.mark.parametrize("file", PROBLEMS)
def test_what_cannot_be_collected(gate: Arms, office: Path, file: str) -> None:
    text, said = PROBLEMS[file]
    (office / file).write_text(text)
    joined = gate.start(office).joined()
    assert joined.tests == ()
    assert said in joined.problem


ARGUMENTS = {
    "no test": (("--ignore-glob=test_*",), "no test of it can be compared"),
    "no file": (("test_nowhere.py",), "file or directory not found: test_nowhere.py"),
    "no app": (("--celery-perf-app=shop:app",), "celery_perf_app='shop:app' cannot be loaded: ModuleNotFoundError"),
    "no worker": (("--celery-perf-workers=clerk: --nonsense",), "nonsense"),
}


@pytest.mark.parametrize("case", ARGUMENTS)
def test_arguments_that_leave_nothing(gate: Arms, office: Path, case: str) -> None:
    arguments, said = ARGUMENTS[case]
    joined = gate.start(office, *arguments).joined()
    assert joined.tests == ()
    assert said in joined.problem


def test_what_was_deselected_is_offered_and_told_apart(gate: Arms, office: Path) -> None:
    joined = gate.start(office, "-k", "test_one").joined()
    assert {test.nodeid for test in joined.tests if test.selected} == {"test_needs.py::test_one"}
    assert len(joined.tests) > 1


def test_arguments_of_the_user_that_are_not_for_an_arm(gate: Arms, office: Path) -> None:
    arm = gate.start(office, "-n2", "--junitxml=junit.xml", "--celery-perf-json=report.json")
    arm.joined()
    assert figures(arm, "nap")
    assert arm.leave() == 0
    assert not {"junit.xml", "report.json"} & {each.name for each in office.iterdir()}


def test_nothing_is_left_when_the_gate_is_gone(gate: Arms, office: Path, tmp_path: Path) -> None:
    tmp = tmp_path / "tmp"
    tmp.mkdir()
    arm = gate.start(office, env={"TMPDIR": str(tmp)})
    arm.joined()
    figures(arm, "where")
    worker = notes(office)[0].split()[0]
    assert alive(worker)
    arm.run("test_needs.py::test_one")
    arm.channel.send(Run(nodeid="test_works.py::test_many"))
    arm.close()
    assert arm.process.returncode == 0
    assert not alive(worker)
    assert [each.name for each in tmp.rglob("*") if each.is_file()] == [".lock"], "of all runs of this user"
    assert notes(office)[-2:] == ["module down", "session down"]


BOXED = """
import office, pytest

@pytest.mark.celery_worker(runtime="container", image={image!r}, concurrency=2)
def test_boxed(celery_perf, note):
    celery_perf.run(office.nap, [0])
    note(celery_perf.workers[0].pid)
"""


@pytest.mark.docker
def test_a_container_on_cores(gate: Arms, office: Path, worker_image: str) -> None:
    (office / "test_boxed.py").write_text(BOXED.format(image=worker_image))
    core = max(os.sched_getaffinity(0))
    arm = gate.start(office, "-k", "boxed", cores=(core,))
    (test,) = (each for each in arm.joined().tests if each.selected)
    assert arm.run(test.nodeid).complaint == ""
    (first,) = notes(office)
    workers = _descendants(int(first))
    assert len(workers) >= 3, "the main process and two children"
    assert {frozenset(os.sched_getaffinity(pid)) for pid in workers} == {frozenset({core})}


def _descendants(pid: int) -> list[int]:
    children = list(map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split()))
    return [*children, *(each for child in children for each in _descendants(child))]
