"""Which of its tests an arm offers for comparison, and how the same test is known in both arms."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from typing import Any

import pytest
from _pytest.skipping import evaluate_skip_marks, evaluate_xfail_marks

from pytest_celery_perf.model.gate import ArmTest, RegressionBudget
from pytest_celery_perf.names import MARKERS
from pytest_celery_perf.stash import SPEC

_JUDGING = frozenset(MARKERS) - {"celery_worker"}
"""What a test demands of its tasks changes nothing in what they do."""


def offer(item: pytest.Item) -> ArmTest | None:
    """Return what the gate is told of a test; None if it cannot be compared, or shall not be."""
    spec = item.stash.get(SPEC, None)
    if spec is None or not spec.undisturbed or not _runs(item):
        return None
    budget = spec.regression or RegressionBudget()
    return ArmTest(nodeid=item.nodeid, digest=digest_of(item), budget=budget) if budget.metrics else None


def _runs(item: pytest.Item) -> bool:
    """Tell whether pytest would run a test, and it is expected to pass."""
    try:
        return evaluate_skip_marks(item) is None and evaluate_xfail_marks(item) is None
    except pytest.fail.Exception:  # a condition that cannot be evaluated; the test itself will tell
        return False


def digest_of(item: pytest.Item) -> str:
    """Return a text that is the same for a test that was renamed, moved or demands something else, and for no other.

    It is made of the syntax of the function, so that comments and layout do not matter, without its name and its
    judging markers; and of its parameters.
    """
    function: Any = getattr(item, "function")  # noqa: B009 - only tests that are functions have a spec
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.name = "test"
            node.decorator_list = [each for each in node.decorator_list if not _judges(each)]
    callspec = getattr(item, "callspec", None)
    text = f"{ast.unparse(tree)}\n{callspec.id if callspec else ''}"
    return hashlib.sha256(text.encode()).hexdigest()


def _judges(decorator: ast.expr) -> bool:
    marker = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(marker).rpartition(".")[2] in _JUDGING
