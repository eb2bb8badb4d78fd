"""The store of facts: what is written is read, the order of merging does not matter, garbage is refused by its line."""

from __future__ import annotations

import subprocess
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.baseline.lock import dumps, loads, module_of, path_of, read
from pytest_celery_perf.errors import LockFileError
from pytest_celery_perf.model.lock import CALLS, KINDS, TALLY, Bounds, Lock, TaskFacts, TestFacts

PATH = Path("tests/test_shop.celery-perf.toml")

_bounds = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda pair: Bounds(least=min(pair), most=max(pair)))
_names = st.text(max_size=5)
_FEW = ("test_a", "TestB::test_c[é ü-1]", 'say "hi"\\', "dotted.name", "\x7f\x00\n\u2028")
_counts = st.dictionaries(st.sampled_from(_FEW) | _names, _bounds, max_size=2)
_tasks = st.builds(
    TaskFacts,
    tally=st.dictionaries(st.sampled_from(TALLY), _bounds.filter(lambda each: each.most > 0)),
    kinds=st.dictionaries(st.sampled_from(KINDS), _counts),
)
_tests = st.builds(TestFacts, tasks=st.dictionaries(st.sampled_from(_FEW) | _names, _tasks, max_size=2))
_locks = st.builds(
    Lock, databases=st.just("sqlite"), tests=st.dictionaries(st.sampled_from(_FEW) | _names, _tests, max_size=2)
)


@given(_locks)
def test_what_is_written_is_read(lock: Lock) -> None:
    assert loads(dumps(lock, "test_shop.py"), PATH) == lock


@given(_locks)
def test_equal_facts_are_equal_text(lock: Lock) -> None:
    text = dumps(lock, "test_shop.py")
    assert dumps(loads(text, PATH), "test_shop.py") == text


@given(_locks)
def test_a_fact_is_a_line(lock: Lock) -> None:
    lines = dumps(lock, "test_shop.py").splitlines()
    facts = [line for line in lines if line and not line.startswith(("#", "["))]
    assert all(len(tomllib.loads(line)) == 1 for line in facts)


@given(_locks, _locks, _locks)
def test_merging_knows_no_order(one: Lock, two: Lock, three: Lock) -> None:
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one | (one | one)


@given(_tests, _tests)
def test_what_is_merged_covers_both(one: TestFacts, two: TestFacts) -> None:
    both = one | two
    for facts in (one, two):
        for name, task in facts.tasks.items():
            for kind, counts in task.kinds.items():
                for what, bounds in counts.items():
                    wide = both.tasks[name].kinds[kind][what]
                    assert wide.least <= bounds.least
                    assert bounds.most <= wide.most


def test_what_happens_in_one_of_two_runs_may_happen() -> None:
    once = TaskFacts(tally={"retries": Bounds.exactly(1)}, kinds={"queries": {"SELECT ?": Bounds.exactly(2)}})
    never = TaskFacts(kinds={"queries": {}})
    merged = once | never
    assert merged.tally == {"retries": Bounds(least=0, most=1)}
    assert merged.kinds == {"queries": {"SELECT ?": Bounds(least=0, most=2)}}


def test_what_was_not_measured_speaks_of_nothing() -> None:
    known = TaskFacts(kinds={"outbound": {"localhost": Bounds.exactly(1)}})
    assert (known | TaskFacts()).kinds == known.kinds


def test_environments_have_their_own_counts_of_calls() -> None:
    old, new = ({CALLS: {name: Bounds.exactly(number)}} for name, number in (("3.11", 80), ("3.12", 90)))
    assert (TaskFacts(kinds=old) | TaskFacts(kinds=new)).kinds == {CALLS: {**old[CALLS], **new[CALLS]}}


GOOD = """\
# A comment.
schema = 1
databases = "sqlite"

[tests.test_a."shop.pay"]
executions = 1
queries."SELECT ?" = 2
"""
GARBAGE = {
    "": (1, "there is no schema"),
    "schema = 2\n": (1, "schema = 2, and this version of pytest-celery-perf reads 1"),
    "# x\n\nschema = true\n": (3, "schema = True"),
    GOOD + "nonsense\n": (8, "Expected '='"),
    GOOD + 'queries."SELECT *" = -1\n': (8, "-1 is neither a count nor a pair"),
    GOOD + 'queries."SELECT *" = [3, 2]\n': (8, "[3, 2] is neither a count nor a pair"),
    GOOD + 'queries."SELECT *" = 1.5\n': (8, "1.5 is neither a count nor a pair"),
    GOOD + "retries = true\n": (8, "True is neither a count nor a pair"),
    GOOD + "requests = 2\n": (8, "there is no requests; known are executions"),
    GOOD + "cache = 2\n": (8, "cache = 2 is no table"),
    GOOD + 'queries."SELECT ?" = 3\n': (8, "Cannot overwrite"),
    GOOD + "\n[tests]\ntest_b = 3\n": (10, "test_b = 3 is no table"),
    "schema = 1\ntests.test_b = 3\n": (2, "test_b = 3 is no table"),
    "schema = 1\ntests = [1]\n": (2, "tests = [1] is no table"),
    "schema = 1\n[[tests]]\na = 1\n": (2, "is no table"),
    "schema = 1\nowner = 'me'\n": (2, "there is no owner; known are databases, schema and tests"),
    "schema = 1\ndatabases = 3\n": (2, "3 is no text"),
    GOOD + "<<<<<<< HEAD\nretries = 1\n=======\nretries = 2\n>>>>>>> theirs\n": (
        8,
        "git could not merge this: take one side",
    ),
    "schema = 1\n[tests.a": (2, "Expected ']'"),
}


@pytest.mark.parametrize(("text", "line", "words"), [(text, *said) for text, said in GARBAGE.items()])
def test_garbage_is_refused_with_its_path_and_line(text: str, line: int, words: str, tmp_path: Path) -> None:
    path = tmp_path / "test_shop.celery-perf.toml"
    path.write_text(text)
    with pytest.raises(LockFileError) as caught:
        read(path)
    assert (path, line) == (caught.value.path, caught.value.line)
    assert f"{path}, line {line}: " in str(caught.value)
    assert words in caught.value.reason


def test_a_conflict_is_told_with_a_command_that_git_takes(tmp_path: Path) -> None:
    path = tmp_path / "my tests" / "test_shop.celery-perf.toml"
    with pytest.raises(LockFileError) as caught:
        loads("<<<<<<< ours\n", path)
    assert f"take one side (git checkout --ours '{path}'), then lock what that side lacks: " in caught.value.reason


def test_what_is_no_text_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "test_shop.celery-perf.toml"
    path.write_bytes(GOOD.encode() + b'queries."\xff" = 1\n')
    with pytest.raises(LockFileError, match="line 8: this is not UTF-8"):
        read(path)


@given(_locks, st.data())
def test_any_damage_is_refused_or_harmless(lock: Lock, data: st.DataObject) -> None:
    text = dumps(lock, "test_shop.py")
    at = data.draw(st.integers(0, len(text)))
    damaged = text[:at] + data.draw(st.text(max_size=5)) + text[at + data.draw(st.integers(0, 5)) :]
    try:
        assert isinstance(loads(damaged, PATH), Lock)
    except LockFileError as error:
        assert 1 <= error.line <= damaged.count("\n") + 1  # noqa: PT017 - either is right


def test_the_file_is_beside_its_module() -> None:
    assert path_of(Path("tests/test_shop.py")) == PATH
    assert module_of(PATH) == Path("tests/test_shop.py")


def test_git_merges_what_two_branches_locked_of_different_tests(tmp_path: Path) -> None:
    def lock(**queries: int) -> str:
        tests = {
            name: TestFacts(
                tasks={
                    "shop.pay": TaskFacts(
                        tally={"executions": Bounds.exactly(1)}, kinds={"queries": {"SELECT ?": Bounds.exactly(number)}}
                    )
                }
            )
            for name, number in queries.items()
        }
        return dumps(Lock(tests=tests), "test_shop.py")

    ours, base, theirs = (tmp_path / name for name in ("ours", "base", "theirs"))
    base.write_text(lock(test_b=1, test_d=1, test_f=1))
    ours.write_text(lock(test_a=1, test_b=1, test_d=2, test_f=1))
    theirs.write_text(lock(test_b=3, test_d=1, test_e=1, test_f=1))
    subprocess.run(["git", "merge-file", ours, base, theirs], check=True)
    assert ours.read_text() == lock(test_a=1, test_b=3, test_d=2, test_e=1, test_f=1)
