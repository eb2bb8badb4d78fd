"""A test whose file was moved leaves its function's text in the base."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_celery_perf.gate.offer import digest_of_source
from pytest_celery_perf.gate.traces import traces
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.model.gate import ArmTest
from tests.unit.gate.arms import arm_test

METHOD = """
# A form feed is no line: \x0c
class TestPay:
    @pytest.mark.slow
    @pytest.mark.parametrize("n", [1])
    def test_{name}(self, n):
        '''Pay.

        Twice.
        '''
        pay({amount}, '''
at the margin
''')
"""


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    for top in ("checkout", "base"):
        (tmp_path / top).mkdir()
    return Tree(checkout=tmp_path / "checkout", path=tmp_path / "base")


def write(top: Path, file: str, text: str) -> None:
    path = top / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def paying(amount: int) -> ArmTest:
    """The test of new/test_a.py that pays so much, as an arm of the head offers it."""
    method = METHOD.format(name="new", amount=amount).partition("class TestPay:\n")[2]
    return replace(arm_test(f"TestPay::test_{amount}"), source=digest_of_source(method))


def found(tree: Tree, *tests: ArmTest) -> dict[str, str]:
    known = traces(tests, tree, tree.checkout / "new", ("test_*.py", "perf/*.py"))
    return {test.partition("::test_")[2]: str(file) for test, file in known.items()}


def test_a_function_is_known_by_what_it_does(tree: Tree) -> None:
    write(tree.path, "old/test_b.py", METHOD.format(name="old", amount=1) + METHOD.format(name="more", amount=2))
    write(tree.path, "perf/checks.py", METHOD.format(name="of_a_pattern", amount=4))
    write(tree.path, "lib/checks.py", METHOD.format(name="of_none", amount=5))
    write(tree.path, "old/test_broken.py", "def test(")
    write(tree.path, "old/test_latin.py", "x")
    (tree.path / "old" / "test_latin.py").write_bytes(b"# \xe9")
    of_all = [paying(amount) for amount in (1, 2, 3, 4, 5)]
    assert found(tree, *of_all) == {"1": "old/test_b.py", "2": "old/test_b.py", "4": "perf/checks.py"}


def test_a_function_that_is_still_there_was_not_moved(tree: Tree) -> None:
    for top in (tree.path, tree.checkout):
        write(top, "old/test_b.py", METHOD.format(name="old", amount=1))
        write(top, "new/test_a.py", METHOD.format(name="same", amount=2))
    write(tree.path, "old/test_c.py", METHOD.format(name="gone", amount=3))
    write(tree.checkout, "old/test_c.py", METHOD.format(name="gone", amount=4))
    of_all = [paying(amount) for amount in (1, 2, 3)]
    assert found(tree, *of_all) == {"2": "new/test_a.py", "3": "old/test_c.py"}
