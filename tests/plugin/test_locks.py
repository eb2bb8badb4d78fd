"""Lock files from end to end: every mode of writing them, every status of a test, alone and under xdist."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from .inner import RERUNNING, Inner, Project

LOCK = "test_locked.celery-perf.toml"
SUITE = "test_locked.py"
WORK = f"{SUITE}::test_work"
TASKS = "library/tasks.py"
XDIST = pytest.mark.parametrize("xdist", [(), ("-n", "2")], ids=["alone", "xdist"])

pytestmark = pytest.mark.slow


class Locked(Project):
    """The project, whose tests are locked."""

    @classmethod
    def fresh(cls, folder: Path) -> Locked:
        project = cls(Project.copy("library", folder, "locked").folder)
        shutil.move(project.folder / "library/steps.py", project.folder / TASKS)
        return project

    @property
    def lock(self) -> str:
        return (self.folder / LOCK).read_text()

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace what a file holds once."""
        text = (self.folder / file).read_text()
        assert text.count(old) == 1, f"{file}: {old!r}"
        self.write(file, text.replace(old, new))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Locked, Inner]:
    """Lock all tests, once."""
    project = Locked.fresh(tmp_path_factory.mktemp("first") / "library")
    return project, project.run("--celery-perf-update", SUITE)


@pytest.fixture
def locked(first: tuple[Locked, Inner], tmp_path: Path) -> Locked:
    """Return a copy of the project, with its lock file."""
    return Locked(Path(shutil.copytree(first[0].folder, tmp_path / "library")))


# -- what is written -----------------------------------------------------------------------


def test_facts_are_lines(first: tuple[Locked, Inner]) -> None:
    project, inner = first
    assert inner.cases.keys() - {"test_fails"} == inner.passed, inner.text
    assert _section(project.lock, 'test_work."library.tasks.work"') == [
        "executions = 1",
        "cache.sets = 1",
        "outbound.localhost = 1",
        'published."library.tasks.note" = 1',
        'queries."SELECT COUNT(*) AS __count FROM library_author" = 1',
        'queries."SELECT … FROM library_book" = 1',
    ]
    assert _section(project.lock, 'test_retries."library.tasks.stubborn"')[:2] == ["executions = 2", "retries = 1"]


def test_what_differs_is_kept_as_bounds_and_told(first: tuple[Locked, Inner]) -> None:
    project, inner = first
    caches = _section(project.lock, 'test_caches_of_a_process."library.tasks.remember"')
    assert 'queries."SELECT COUNT(*) AS __count FROM library_author" = [0, 1]' in caches
    assert 'queries."SELECT COUNT(*) AS __count FROM library_book" = 1' in caches
    sets = "\n".join(_section(project.lock, '"test_sets[\\\\xe9]"."library.tasks.haphazard"'))
    assert 'queries."SELECT ? AS a FROM library_author LIMIT ?" = [1, 2]' in sets
    assert "not the same in each run, so gated by its bounds: test_locked.py::test_sets" in inner.text
    assert "locked 4 tests in test_locked.celery-perf.toml" in inner.text


def test_calls_are_locked_of_every_test_where_all_are_measured_by_them(tmp_path: Path) -> None:
    project = Locked.fresh(tmp_path / "library")
    project.ini(celery_perf_measure="calls")
    assert project.run("--celery-perf-update", WORK).passed == {"test_work"}
    assert 'calls."python ' in "\n".join(_section(project.lock, 'test_work."library.tasks.note"'))
    assert project.run(WORK).passed == {"test_work"}

    project.edit(TASKS, '"""Do nothing."""', "list(map(lambda each: each, range(1000)))")

    words = (
        "celery_lock library.tasks.note: Python calls 1001, +1000 Python calls (budget = 1)",
        "--celery-perf-update",
    )
    assert project.run(WORK).lacks("test_work", *words) == []


def test_calls_are_counted_for_each_environment(locked: Locked) -> None:
    (calls,) = re.findall(r'^calls\."(python .*, celery .*)" = \[\d+, \d+\]$', locked.lock, re.MULTILINE)
    locked.edit(LOCK, calls, "python 1.0")
    assert locked.run(SUITE, "-k", "caches").status == 0  # another environment's are not compared
    locked.edit(TASKS, "Author.objects.count() + Author", "Book.objects.count() + Author")
    locked.run("--celery-perf-update", "-k", "caches")
    assert 'calls."python 1.0" = [' in locked.lock
    assert f'calls."{calls}" = [' in locked.lock


def test_a_failing_test_is_not_locked(first: tuple[Locked, Inner]) -> None:
    assert "test_fails" not in first[0].lock
    assert "test_not_ours" not in first[0].lock


def test_xdist_writes_the_same(first: tuple[Locked, Inner], tmp_path: Path) -> None:
    project = Locked.fresh(tmp_path / "library")
    project.run("--celery-perf-update", "-n", "2", SUITE)
    without_calls = re.compile(r"^calls.*\n", re.MULTILINE)  # in which process a test is the first differs
    assert without_calls.sub("", project.lock) == without_calls.sub("", first[0].lock)


# -- what is judged ------------------------------------------------------------------------


def test_the_same_passes(locked: Locked) -> None:
    before = locked.lock
    alone = locked.run("--celery-perf-strict", SUITE)
    spread = locked.run("--celery-perf-strict", "-n", "2", SUITE)
    assert alone.cases.keys() - {"test_fails"} == alone.passed == spread.passed, alone.text
    said = (
        "PASS: queries 2 (budget = 2); outbound calls 1 (budget = 1); published tasks 1 (budget = 1); "
        "operations of the cache 1 (budget = 1); executions 1 (budget = 1)"
    )
    for inner in (alone, spread):
        assert inner.cases["test_work"].properties["celery_lock[library.tasks.work]"] == said
    assert locked.lock == before


def test_more_fails_with_who_does_it(locked: Locked) -> None:
    locked.edit(TASKS, '    cache.set("titles", titles, 60)\n', _MORE)
    locked.edit(TASKS, "self.request.retries < 1", "self.request.retries < 2")
    before = locked.lock
    for xdist in ((), ("-n", "2")):  # it fails again as it failed first
        inner = locked.run(*xdist, SUITE)
        assert inner.status == 1
        assert inner.cases.keys() - inner.passed == {"test_work", "test_retries", "test_fails"}
        assert inner.lacks("test_work", *_SAYS_MORE) == [], inner.cases["test_work"].message
        assert inner.lacks("test_retries", "executions 3, +1 execution (budget = 2), and 1 more", "2, +1 retry") == []
    assert locked.lock == before


_MORE = """\
    cache.set("titles", titles, 60)
    cache.get("titles")
    socket.create_connection(("127.0.0.1", port)).close()
    note.delay(1)
    Book.objects.filter(title="x").exists()
"""
_SAYS_MORE = (
    "✗ celery_lock library.tasks.work: queries 3, +1 query (budget = 2), and 3 more",
    "+1 operation of the cache",
    "2, +1 outbound call",
    "2, +1 published task",
    "+1  cache gets",
    "+1  outbound localhost",
    "+1  published library.tasks.note",
    "+1  SELECT ? AS a FROM library_book WHERE title = ? LIMIT ?",
    "0 → 1  library/tasks.py:24 work",
    "1 → 2  library/tasks.py:19 work  library/tasks.py:22 work",
    "fix: undo it at library/tasks.py:24 work",
    "or accept it: pytest --celery-perf-update test_locked.py::test_work",
)


@pytest.mark.parametrize("processes", ["0", "1"])
def test_a_rerun_on_workers_with_warm_caches_does_not_undo_it(locked: Locked, processes: str) -> None:
    locked.write("conftest.py", RERUNNING)
    locked.edit(TASKS, "    note.delay(len(titles))\n", "    note.delay(len(titles) * bool(shelves()))\n")
    # With a test to come, databases and workers stay after the first attempt.
    inner = locked.run("-n", processes, WORK, f"{SUITE}::test_not_ours", "--celery-perf-json=report.json")
    assert inner.status == 1, inner.text
    assert "1 failed, 1 passed, 1 rerun" in inner.text
    says = ("queries 4, +2 queries (budget = 2)", "an earlier attempt of this test did so: a rerun does not undo it")
    assert inner.lacks("test_work", *says) == [], inner.text
    report = json.loads((locked.folder / "report.json").read_text())
    found = [
        {each["task"]: each["status"] for each in test["verdicts"] if each["marker"] == "celery_lock"}
        for test in report["tests"]
        if test["nodeid"] == WORK
    ]
    assert found == [{"library.tasks.note": "PASS", "library.tasks.work": "FAIL"}] * 2


def test_another_statement_fails(locked: Locked) -> None:
    locked.edit(TASKS, "return Author.objects.count()\n", "return Book.objects.count()\n")
    inner = locked.run(WORK)
    says = (
        "celery_lock library.tasks.work: queries 2, CHANGED (budget = 2)",
        "+1  SELECT COUNT(*) AS __count FROM library_book    0 → 1  library/tasks.py:22 work",
        "-1  SELECT COUNT(*) AS __count FROM library_author  1 → 0",
    )
    assert inner.lacks("test_work", *says) == [], inner.cases["test_work"].message


def test_more_than_bounds_fails(locked: Locked) -> None:
    locked.edit(TASKS, "return Author.objects.count() + ", "return sum(Author.objects.count() for _ in range(2)) + ")
    inner = locked.run(SUITE, "-k", "caches")
    assert (
        inner.lacks(
            "test_caches_of_a_process",
            "queries 4, +1 query (budget 1 to 3)",
            "0 to 1 → 2",
            "its bounds are those of a few runs",
        )
        == []
    )


# -- improvements --------------------------------------------------------------------------


def test_less_asks_to_be_locked_in(locked: Locked) -> None:
    locked.edit(TASKS, "return Author.objects.count()\n", "return 0\n")
    before = locked.lock

    inner = locked.run(WORK)
    assert inner.passed == {"test_work"}, inner.text
    assert "LESS: 1 test does less than is locked: test_locked.py::test_work" in inner.text
    assert "queries 1, -1 query (locked 2)" in inner.text
    strict = locked.run(WORK, "--celery-perf-strict")
    assert strict.lacks("test_work", "queries 1, -1 query (budget = 2)", "an improvement: lock it in: pytest") == []
    assert locked.run(WORK, "--celery-perf-update=missing").status == 0
    assert locked.lock == before

    assert locked.run(WORK, "--celery-perf-update=changed").status == 0
    assert locked.lock == before.replace('queries."SELECT COUNT(*) AS __count FROM library_author" = 1\n', "", 1)


# -- tests that come and go ----------------------------------------------------------------


def test_a_new_test(locked: Locked) -> None:
    locked.edit(SUITE, "def test_not_ours() -> None:\n    pass\n", _NEW)
    inner = locked.run(SUITE, "-k", "new")
    assert inner.passed == {"test_new"}
    assert inner.cases["test_new"].properties["celery_lock[library.tasks.note]"].startswith("INCONCLUSIVE: NEW: ")
    assert "NEW: 1 test is not locked: test_locked.py::test_new" in inner.text
    strict = locked.run(SUITE, "-k", "new", "--celery-perf-strict")
    assert strict.lacks("test_new", "facts NEW (budget locked in test_locked.celery-perf.toml)") == []

    before = locked.lock
    assert locked.run(SUITE, "-k", "new", "--celery-perf-update=missing").status == 0
    assert _section(locked.lock, 'test_new."library.tasks.note"')[0] == "executions = 1"
    assert len(locked.lock.splitlines()) == len(before.splitlines()) + 7


_NEW = "def test_new(celery_perf: CeleryPerf) -> None:\n    note.delay(1)\n"


def test_a_renamed_test(locked: Locked) -> None:
    locked.edit(SUITE, "def test_work(", "def test_all_work(")
    before = locked.lock
    inner = locked.run(SUITE)
    assert inner.cases["test_all_work"].properties["celery_lock[library.tasks.note, library.tasks.work]"] == (
        "PASS: facts RENAMED (budget locked as test_work in test_locked.celery-perf.toml)"
    )
    assert "RENAMED: 1 test does what is locked under another name: test_locked.py::test_all_work (was test_work)" in (
        inner.text
    )
    strict = locked.run("--celery-perf-strict", SUITE)
    assert strict.lacks("test_all_work", "facts RENAMED", "it does exactly what is locked of test_work") == []
    locked.run("--celery-perf-update=changed", SUITE)
    assert locked.lock == before
    locked.run("--celery-perf-update", SUITE)
    assert sorted(locked.lock.splitlines()) == sorted(
        before.replace("tests.test_work.", "tests.test_all_work.").splitlines()
    )


@XDIST
def test_a_test_that_is_gone(locked: Locked, xdist: tuple[str, ...]) -> None:
    text = (locked.folder / SUITE).read_text()
    locked.write(
        SUITE, re.sub(r"def test_fails.*?(?=def test_not)", "", text.replace("test_sets", "sets"), flags=re.DOTALL)
    )
    name = "test_sets[\\xe9]"

    inner = locked.run(*xdist, SUITE)
    assert inner.status == 0, inner.text
    assert "REMOVED: 1 test is locked, and gone from its module: test_locked.py::test_sets" in inner.text
    strict = locked.run(*xdist, "--celery-perf-strict", "--celery-perf-json=report.json", SUITE)
    assert strict.status == 1
    assert strict.cases.keys() - strict.passed == {name}
    assert strict.lacks(name, "facts REMOVED (budget of a test that is there)", "drop the entry: pytest") == []
    assert f"FAILED {LOCK}::{name}" in strict.text
    assert f"_ {LOCK}::test_sets" in strict.text, "the title of its failure"
    report = json.loads((locked.folder / "report.json").read_text())
    failed = [test for test in report["tests"] if test["outcome"] == "failed"]
    assert [f"{LOCK}::{name}"] == [test["nodeid"] for test in failed]
    assert [["FAIL"]] == [[verdict["status"] for verdict in test["verdicts"]] for test in failed]

    assert locked.run(*xdist, "--celery-perf-update=all", WORK).status == 0
    assert "test_sets" in locked.lock, "only what ran is touched"
    assert locked.run(*xdist, "--celery-perf-update=all", SUITE).status == 0
    assert "test_sets" not in locked.lock


def test_a_run_without_tests_drops_nothing(locked: Locked) -> None:
    locked.edit(SUITE, "def test_sets", "def sets")
    before = locked.lock
    assert "REMOVED: 1 test" in locked.run("--celery-perf-update", "--collect-only").text
    locked.write("test_broken.py", "import nowhere")
    inner = locked.run("--celery-perf-update")
    assert "REMOVED: 1 test" in inner.text
    assert "1 error during collection" in inner.text
    assert locked.lock == before


def test_a_module_that_has_moved_without_its_file(locked: Locked) -> None:
    (locked.folder / SUITE).rename(locked.folder / "test_moved.py")
    inner = locked.run("-k", "test_work")
    assert inner.passed == {"test_work"}
    assert "REMOVED" not in inner.text, "only what ran is told of"
    strict = locked.run("--celery-perf-strict")
    assert f"FAILED {LOCK}::test_retries" in strict.text
    assert f"{LOCK} has an entry for test_work, and there is no {SUITE}" in strict.text
    assert f"fix: name {LOCK} as its module is named now, or delete it" in strict.text

    (locked.folder / LOCK).rename(locked.folder / "test_moved.celery-perf.toml")
    again = locked.run("--celery-perf-strict")
    assert again.cases.keys() - {"test_fails"} == again.passed, again.text


# -- files that cannot be used -------------------------------------------------------------


@XDIST
def test_garbage_is_refused_before_any_test_runs(locked: Locked, xdist: tuple[str, ...]) -> None:
    locked.edit(LOCK, "cache.sets = 1\n", "cache.sets = many\n")
    inner = locked.run(*xdist, SUITE)
    number = locked.lock.splitlines().index("cache.sets = many") + 1
    assert (4, {}) == (inner.status, inner.cases), inner.text
    assert inner.text.count(f"{LOCK}, line {number}: Invalid value") == 1
    assert "INTERNALERROR" not in inner.text


@XDIST
def test_a_folder_that_may_not_be_written_is_refused_before_any_test_runs(
    locked: Locked, xdist: tuple[str, ...]
) -> None:
    folder = locked.folder / "read_only"
    folder.mkdir()
    shutil.move(locked.folder / SUITE, folder)
    folder.chmod(0o555)
    inner = locked.run("--celery-perf-update", *xdist, "-k", "test_work", "read_only", bound=True)
    refusal = f"celery_perf_update: {folder / LOCK} cannot be written: this user may not write to {folder}; lock where "
    assert (4, {}) == (inner.status, inner.cases)
    assert refusal in inner.text
    assert "PermissionError" not in inner.text
    assert locked.run("--celery-perf-strict", "-k", "test_not_ours", "read_only", bound=True).status == 0


def test_a_file_that_need_not_be_written_may_be_read_only(locked: Locked) -> None:
    (locked.folder / LOCK).chmod(0o444)
    assert locked.run("--celery-perf-update=missing", WORK, bound=True).passed == {"test_work"}
    refused = locked.run("--celery-perf-update=changed", WORK, bound=True)
    assert refused.status == 4
    assert f"{LOCK} cannot be written: this user may not write to {locked.folder / LOCK}; lock " in refused.text


@XDIST
def test_a_file_that_cannot_be_written_in_the_end_fails_the_run(locked: Locked, xdist: tuple[str, ...]) -> None:
    (locked.folder / LOCK).unlink()
    locked.write("conftest.py", _TAKES_THE_PLACE.format(lock=LOCK))
    inner = locked.run("--celery-perf-update", "--celery-perf-json=report.json", *xdist, WORK)
    assert inner.passed == {"test_work"}, inner.text
    assert inner.status == 1
    assert "ERROR: not locked: the tests of test_locked.py: [Errno 2] No such file or directory: " in inner.text
    assert "locked 1 test" not in inner.text
    assert "1 passed in " in inner.text
    assert "Traceback" not in inner.text
    assert json.loads((locked.folder / "report.json").read_text())["status"] == 1


_TAKES_THE_PLACE = """
import os
import pytest

@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session):
    if not os.path.islink("{lock}"):
        os.symlink("a/folder/that/has/gone", "{lock}")
"""


def test_a_directory_in_the_place_of_a_file_is_refused(locked: Locked) -> None:
    (locked.folder / LOCK).unlink()
    (locked.folder / LOCK).mkdir()
    for arguments in ((), ("--celery-perf-update",)):
        inner = locked.run(*arguments, SUITE)
        assert inner.status == 4
        assert f"{LOCK} cannot be read: Is a directory" in inner.text
        assert "Traceback" not in inner.text


def test_another_kind_of_database_is_not_compared(locked: Locked) -> None:
    locked.edit(LOCK, 'databases = "sqlite"', 'databases = "postgresql"')
    inner = locked.run(WORK)
    told = inner.cases["test_work"].properties["celery_lock[any task]"]
    assert "was locked on postgresql, and this run is on sqlite" in told
    refused = locked.run("--celery-perf-update", SUITE)
    assert refused.status == 4
    assert "update it there, or delete it first" in refused.text


def test_a_module_without_a_file(locked: Locked) -> None:
    (locked.folder / LOCK).unlink()
    inner = locked.run(WORK)
    assert inner.passed == {"test_work"}
    assert "celery_lock" not in inner.text
    strict = locked.run(WORK, "--celery-perf-strict")
    assert strict.lacks("test_work", "facts NEW") == []


def test_a_mode_that_there_is_not(plain: Project) -> None:
    spelt = plain.run("--celery-perf-update=some")
    assert spelt.status == 4
    assert "--celery-perf-update=missing/--celery-perf-update=changed: ignored explicit argument 'some'" in spelt.text
    said = plain.run(env={"CELERY_PERF_UPDATE": "some"})
    assert "celery_perf_update (environment): 'some' is not one of missing, changed, all" in said.text


def test_a_test_that_fails_when_it_is_run_again(locked: Locked) -> None:
    (locked.folder / LOCK).unlink()
    flag = locked.folder / "flag"
    locked.edit(TASKS, '    """Do nothing."""\n', f'    open("{flag}", "a").write("x")\n')
    locked.edit(SUITE, "def test_not_ours() -> None:\n    pass\n", _ONCE.format(flag=flag))
    inner = locked.run("--celery-perf-update", SUITE, "-k", "once")
    assert inner.lacks("test_once", "failed with PYTHONHASHSEED=", "assert not True") == [], inner.text
    assert not (locked.folder / LOCK).exists()


_ONCE = """
def test_once(celery_perf: CeleryPerf) -> None:
    from pathlib import Path
    assert not Path("{flag}").exists()
    note.delay(1)
"""


def _section(lock: str, name: str) -> list[str]:
    """Return the lines of a table."""
    table = lock.partition(f"[tests.{name}]\n")[2]
    return table.partition("\n\n")[0].splitlines()
