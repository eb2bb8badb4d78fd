"""Two versions of a project in one run: what is worse fails, what is not passes, wherever one reads it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from .inner import Inner, Project

SUITE = "test_gate.py"
ANOTHER = """

@cpu
def test_{name}() -> None:
    clean.delay()
    grind.delay()
"""
"""A test that one side has, and the other has not."""


class Repository(Project):
    """A project under version control."""

    def git(self, *arguments: str) -> str:
        """Run a command of git."""
        command = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", *arguments]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout

    def commit(self) -> None:
        """Commit all that there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message=base")

    def change(self, file: str, *changes: tuple[str, str]) -> None:
        """Replace texts in a file, each of which is there."""
        text = (self.folder / file).read_text()
        for before, after in changes:
            assert before in text
            text = text.replace(before, after)
        self.write(file, text)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a project with a commit: its base."""
    made = Repository.copy("mill", tmp_path / "mill", "gate")
    made.write(".gitignore", "__pycache__/\n*.xml\n*.json\n")
    made.git("init", "--quiet")
    made.commit()
    return made


@pytest.fixture
def compare(repository: Repository) -> Callable[..., Inner]:
    """Return what compares the checkout with its last commit."""

    def run(*arguments: str) -> Inner:
        return repository.run("--celery-perf-base=HEAD", "--celery-perf-json=found.json", *arguments)

    return run


def _decided(repository: Repository) -> dict[str, str]:
    """Return what the report file tells of each comparison."""
    gate = json.loads((repository.folder / "found.json").read_text())["gate"]
    return {
        each["test"].partition("::")[2]: each["decision"]["status"] if each["decision"] else each["standing"]
        for each in gate["comparisons"]
    }


@pytest.mark.timeout(900)
def test_what_is_worse_fails(repository: Repository, compare: Callable[..., Inner]) -> None:
    """And does so again, alone or in parallel; the terminal, JUnit and the report file agree."""
    suite = (repository.folder / SUITE).read_text()
    repository.write(SUITE, suite + ANOTHER.format(name="removed"))
    repository.commit()
    repository.write(SUITE, suite.replace("test_by_its_name", "test_by_another_name") + ANOTHER.format(name="new"))
    repository.change(SUITE, ("    clean.delay()\n    grind", "    grind"))
    repository.change("amounts.py", ("0.004", "0.012"), ("HOARD_BYTES = 1", "HOARD_BYTES = 40 << 20"))
    for arguments in ((), ("-n2",)):
        inner = compare(*arguments)
        assert _decided(repository) == {
            "test_grind": "FAIL",
            "test_hoard": "FAIL",
            "test_clean": "PASS",
            "test_by_another_name": "PASS",
            "test_fail": "PASS",
            "test_new": "NEW",
            "test_removed": "REMOVED",
        }, inner.text
        failed = {name for name, case in inner.cases.items() if case.outcome == "failed"}
        assert failed == {"test_grind", "test_hoard"}, inner.text
        assert inner.status == 1
        assert "2 failed, 4 passed" in inner.text
        again = "--celery-perf-base=HEAD"
        assert inner.lacks("test_grind", "✗ celery_regression mill.grind", "cpu", again) == []
        assert inner.lacks("test_hoard", "✗ celery_regression mill.hoard", "memory", again) == []
        assert inner.cases["test_grind"].properties["celery_regression[mill.grind]"].startswith("FAIL: cpu +")
        assert inner.cases["test_clean"].properties["celery_regression[mill.clean]"].startswith("PASS: cpu ")
        assert "test_by_its_name" in inner.text
    assert repository.git("worktree", "list").count("\n") == 1


@pytest.mark.parametrize("selection", [("-k", "milling"), ("test_moved.py::test_milling",)], ids=["renamed", "moved"])
def test_what_is_worse_fails_by_another_name(
    repository: Repository, compare: Callable[..., Inner], selection: tuple[str, ...]
) -> None:
    """Where it was selected by that name, too; nothing else of the base is compared or missed."""
    repository.change(SUITE, ("test_grind", "test_milling"))
    repository.change("amounts.py", ("0.004", "0.012"))
    if selection[0] != "-k":
        (repository.folder / SUITE).rename(repository.folder / "test_moved.py")
    inner = compare(*selection)
    assert _decided(repository) == {"test_milling": "FAIL"}, inner.text
    assert inner.lacks("test_milling", "✗ celery_regression mill.grind", f"RENAMED: in the base it is {SUITE}") == []


@pytest.mark.parametrize("selection", [(), ("--pyargs", "test_gate::test_clean")], ids=["folder", "module"])
def test_a_project_that_was_moved(repository: Repository, selection: tuple[str, ...]) -> None:
    """The base has no such folder: it runs where git says that the project was."""
    project = Repository(repository.folder / "moved")
    project.folder.mkdir()
    for file in repository.git("ls-files").split():
        repository.git("mv", "-k", file, "moved/")
    options = ("--celery-perf-base=HEAD", "--celery-perf-json=found.json", "-k", "clean")
    inner = project.run(*options, *selection)
    assert inner.passed == {"test_clean"}, inner.text
    assert _decided(project) == {"test_clean": "PASS"}, inner.text


@pytest.mark.parametrize("how", ["fail", "warn"])
def test_a_project_of_which_nobody_knows_whence_it_came(repository: Repository, how: str) -> None:
    """As git does not yet know of it: then no test of it is called new that the base has."""
    project = Repository(repository.folder / "moved")
    files = repository.git("ls-files").split()
    project.folder.mkdir()
    for file in files:
        (repository.folder / file).rename(project.folder / file)
    project.change(SUITE, ("test_clean", "test_cleaner"))
    project.write(
        SUITE, (project.folder / SUITE).read_text() + ANOTHER.format(name="clearly_new").replace("grind", "hoard")
    )
    options = ("--celery-perf-base=HEAD", "--celery-perf-json=found.json", f"--celery-perf-inconclusive={how}")
    inner = project.run(*options, "-k", "clea")
    assert _decided(project) == {"test_cleaner": "COMPARED", "test_clearly_new": "NEW"}, inner.text
    assert inner.status == (how == "fail")
    told = " ".join(inner.text.split())
    assert "has no moved, where it runs, and the same function in test_gate.py; if it was moved, let git know" in told
    assert "test_clearly_new: the base has no such test" in told


def test_a_base_that_hangs(repository: Repository, compare: Callable[..., Inner]) -> None:
    """It may not take more time than there is for the comparison."""
    suite = (repository.folder / SUITE).read_text()
    repository.write(SUITE, f"{suite}\n\n@pytest.fixture(autouse=True)\ndef hang():\n    time.sleep(1000)\n")
    repository.change(SUITE, ("import pytest\n", "import time\n\nimport pytest\n"))
    repository.commit()
    repository.write(SUITE, suite)
    inner = compare("-k", "clean", "--celery-perf-budget-time=20s")
    assert inner.passed == {"test_clean"}, inner.text
    assert _decided(repository) == {"test_clean": "COMPARED"}
    assert "--celery-perf-budget-time" in inner.text
    assert "while it ran test_gate.py::test_clean" in " ".join(inner.text.split()), inner.text


def test_the_same_code_passes(repository: Repository, compare: Callable[..., Inner]) -> None:
    inner = compare("-k", "clean or hoard")
    assert inner.passed == {"test_clean", "test_hoard"}, inner.text
    assert _decided(repository) == {"test_clean": "PASS", "test_hoard": "PASS"}
    commit = repository.git("rev-parse", "--short", "HEAD").strip()
    assert f"{commit} (HEAD; the same code as the head) → {commit}, " in inner.text


@pytest.mark.parametrize(("how", "status"), [("warn", 0), ("fail", 1)])
def test_too_little_time(repository: Repository, compare: Callable[..., Inner], how: str, status: int) -> None:
    inner = compare("-k", "clean", "--celery-perf-budget-time=1ms", f"--celery-perf-inconclusive={how}")
    assert inner.status == status, inner.text
    assert "--celery-perf-budget-time" in inner.text
    assert _decided(repository) == {"test_clean": "COMPARED"}


def test_a_test_that_fails_in_the_base(repository: Repository, compare: Callable[..., Inner]) -> None:
    repository.change("amounts.py", ("False", "True"))
    repository.commit()
    repository.change("amounts.py", ("True", "False"))
    inner = compare("-k", "fail")
    assert inner.passed == {"test_fail"}, inner.text
    assert _decided(repository) == {"test_fail": "BROKEN"}
    assert "it fails in the base" in inner.text
    assert f"({repository.git('rev-parse', '--short', 'HEAD').strip()}:{SUITE}:" in "".join(inner.text.split())
    found = (repository.folder / "found.json").read_text()
    assert "base-run" not in found + inner.text, "which is gone"


def test_a_base_whose_workers_do_not_start(repository: Repository, compare: Callable[..., Inner]) -> None:
    made = (repository.folder / "mill.py").read_text()
    refusal = "print('refused:')\n    raise SystemExit('no DATABASE_URL')"
    refuse = f"\n\nfrom celery import signals\n\n@signals.celeryd_init.connect\ndef refuse(**_):\n    {refusal}\n"
    repository.write("mill.py", made + refuse)
    repository.commit()
    repository.write("mill.py", made)
    inner = compare("-k", "clean")
    assert inner.passed == {"test_clean"}, inner.text
    gate = json.loads((repository.folder / "found.json").read_text())["gate"]
    assert gate["comparisons"][0]["reason"].endswith("its last lines:\n    refused:\n    no DATABASE_URL")
    assert "no DATABASE_URL" in inner.text


def test_a_task_that_fails_in_the_head_alone(repository: Repository, compare: Callable[..., Inner]) -> None:
    """It takes less time than one that works, which is no improvement."""
    repository.change("mill.py", ("    burn(0.004)", "    raise ValueError('no flour')"))
    inner = compare("-k", "clean")
    assert inner.status == 1, inner.text
    words = (
        "celery_regression mill.clean: unsuccessful tasks 100 %",
        "(budget ≤ 0 %, as in the base)",
        "ValueError: no flour",
    )
    assert inner.lacks("test_clean", *words) == []
    told = inner.cases["test_clean"].properties["celery_regression[mill.clean]"]
    assert told.startswith("FAIL: unsuccessful tasks 100 %")


CLEAN = "@app.task\ndef clean() -> None:"
BURN = '"""Do the same, whatever is said."""\n    burn(0.004)'


@pytest.mark.parametrize(
    ("test", "changes", "words"),
    [
        (
            "test_by_its_name",
            [
                (CLEAN, f"done: list[int] = []\n\n\n{CLEAN}"),
                (BURN, f"{BURN}\n    done.append(1)\n    if len(done) > 2:\n        raise ValueError('full')"),
            ],
            [
                "celery_regression any task: failed runs",
                "its tasks raise ValueError: full",
                "left out, in which runs failed",
            ],
        ),
        (
            "test_by_its_name",
            [
                (CLEAN, "@app.task(bind=True)\ndef clean(self) -> None:"),
                (BURN, f"{BURN}\n    if not self.request.retries:\n        raise self.retry(countdown=0)"),
            ],
            ["celery_regression mill.clean: executions per task 2, surer than", "(budget ≤ 1, as in the base)"],
        ),
        (
            "test_clean",
            [(CLEAN, f"from celery.exceptions import Ignore\n\n\n{CLEAN}"), (BURN, f"{BURN}\n    raise Ignore")],
            ["celery_regression mill.clean: unsuccessful tasks 100 %", "it ends ignored"],
        ),
    ],
    ids=["fails later", "tries again", "ignores"],
)
def test_a_task_that_works_no_more(
    repository: Repository,
    compare: Callable[..., Inner],
    test: str,
    changes: list[tuple[str, str]],
    words: list[str],
) -> None:
    """Though its test passes when it runs by itself."""
    repository.change("mill.py", *changes)
    inner = compare("-k", test)
    assert inner.status == 1, inner.text
    assert inner.lacks(test, *words) == []


def test_a_task_that_fails_in_the_base_alone(repository: Repository, compare: Callable[..., Inner]) -> None:
    repository.change("mill.py", ("    burn(0.004)", "    raise ValueError('no flour')"))
    repository.commit()
    repository.change("mill.py", ("    raise ValueError('no flour')", "    burn(0.004)"))
    inner = compare("-k", "clean")
    assert inner.passed == {"test_clean"}, inner.text
    assert _decided(repository) == {"test_clean": "BROKEN"}
    assert "mill.clean: it fails in the base, and not in the head: ValueError: no flour" in inner.text


def test_another_setting(repository: Repository) -> None:
    options = ("--celery-perf-base-config=worker_prefetch_multiplier=7", "--celery-perf-json=found.json")
    inner = repository.run(*options, "-k", "clean")
    assert inner.passed == {"test_clean"}, inner.text
    gate = json.loads((repository.folder / "found.json").read_text())["gate"]
    assert gate["base"] == "the same code with worker_prefetch_multiplier=7"
    assert gate["differences"]["worker_prefetch_multiplier"][0] == "7"


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ("base=nowhere", "--celery-perf-base=nowhere: git knows no such commit"),
        ("base-env=/nowhere/python", "--celery-perf-base-env=/nowhere/python"),
        (
            "base-config=worker_prefetch_multiplyer=1",
            "no setting 'worker_prefetch_multiplyer'; did you mean 'worker_prefetch_multiplier'?",
        ),
        ("base-config=broker_url=redis://elsewhere", "broker_url is not yours to set in a test run"),
        ("base-config=worker_prefetch_multiplier=abc", "worker_prefetch_multiplier takes a number, not 'abc'"),
        ("base-config=task_acks_late", "'task_acks_late' is not KEY=VALUE"),
        ("budget-time=soon", "celery_perf_budget_time (command line)='soon'"),
        ("inconclusive=maybe", "'maybe' is not one of warn, fail"),
    ],
)
@pytest.mark.parametrize("processes", ["-n0", "-n2"])
def test_mistakes(repository: Repository, option: str, words: str, processes: str) -> None:
    inner = repository.run(f"--celery-perf-{option}", processes)
    assert inner.status == pytest.ExitCode.USAGE_ERROR, inner.text
    assert words in inner.text


def test_a_base_that_cannot_be_collected(repository: Repository, compare: Callable[..., Inner]) -> None:
    repository.write("conftest.py", "import nothing_of_that_name\n")
    repository.commit()
    (repository.folder / "conftest.py").unlink()
    inner = compare()
    assert inner.status == pytest.ExitCode.USAGE_ERROR, inner.text
    assert "No module named 'nothing_of_that_name'" in inner.text


def test_nothing_of_ours_is_compared(repository: Repository, compare: Callable[..., Inner]) -> None:
    repository.write(SUITE, "def test_plain(): pass\n")
    inner = compare()
    assert inner.passed == {"test_plain"}, inner.text
    assert "epochs" not in inner.text
