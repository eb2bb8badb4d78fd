"""Which of its tests an arm offers for comparison, and how the same test is known in both arms."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from collections.abc import Collection, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import pytest
from _pytest.skipping import evaluate_skip_marks, evaluate_xfail_marks

from pytest_celery_perf.model.gate import ArmTest, RegressionBudget
from pytest_celery_perf.names import MARKERS
from pytest_celery_perf.stash import SPEC

_JUDGING = frozenset(MARKERS) - {"celery_worker"}
"""What a test demands of its tasks changes nothing in what they do."""
_PRINTED_ALIKE = (type(None), bool, int, float, complex, str, bytes, Decimal, date, time, timedelta, UUID)


def offer(item: pytest.Item) -> ArmTest | None:
    """Return what the gate is told of a test; None if it cannot be compared, or shall not be."""
    spec = item.stash.get(SPEC, None)
    if spec is None or not spec.undisturbed or not _runs(item):
        return None
    budget = spec.regression or RegressionBudget()
    if not budget.metrics:
        return None
    return ArmTest(nodeid=item.nodeid, digest=digest_of(item), source=source_of(item), budget=budget)


def _runs(item: pytest.Item) -> bool:
    """Tell whether pytest would run a test, and it is expected to pass."""
    try:
        return evaluate_skip_marks(item) is None and evaluate_xfail_marks(item) is None
    except pytest.fail.Exception:  # a condition that cannot be evaluated; the test itself will tell
        return False


def digest_of(item: pytest.Item) -> str:
    """Return a text that is the same for a test that was renamed, moved or demands something else, and for no other.

    It is made of its function (`source_of`) and of its parameters: their names and values, not what the values are
    called in the test's name, nor what other values there are. Of what prints otherwise in each process nothing is
    known but that name and the function's parametrization; then a change of either makes it another test. So it is with
    the user's own objects. A function, class or task is known by its name; what it does is not seen, nor what the
    test's fixtures and helpers do.
    """
    callspec = getattr(item, "callspec", None)
    if callspec is None:
        return source_of(item)
    try:
        return _hashed(f"{source_of(item)}\n{_parameters(callspec)}")
    except TypeError:
        return _hashed(f"{_syntax(_text_of(item), _JUDGING)}\n{callspec.id}")


def source_of(item: pytest.Item) -> str:
    """Return a text that tests of one function have in common, whatever their parameters, and wherever it stands."""
    return digest_of_source(_text_of(item))


def digest_of_source(text: str) -> str:
    """Return a text that is the same for functions that do the same.

    It is made of the syntax, so that comments and layout do not matter, without the function's name, its judging
    markers and its parametrization.

    Args:
        text: That of a function, with its decorators.
    """
    return _hashed(_syntax(text, _JUDGING | {"parametrize"}))


def _text_of(item: pytest.Item) -> str:
    function: Any = getattr(item, "function")  # noqa: B009 - only tests that are functions have a spec
    try:
        return inspect.getsource(function)
    except OSError:  # one that a program has made: such a test is known by its name alone
        return repr(item.nodeid)


def _syntax(text: str, left_out: Collection[str]) -> str:
    """Print a function without its name, and without the decorators of some names."""
    try:
        tree = ast.parse(textwrap.dedent(text))
    except IndentationError:  # of a method with a text whose lines begin at the margin
        tree = ast.parse(f"if True:\n{text}")
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            node.name = "test"
            node.decorator_list = [each for each in node.decorator_list if _name_of(each) not in left_out]
            return ast.unparse(node)
    return ast.unparse(tree)


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _name_of(decorator: ast.expr) -> str:
    marker = decorator.func if isinstance(decorator, ast.Call) else decorator
    return ast.unparse(marker).rpartition(".")[2]


# -- parameters ----------------------------------------------------------------------------


def _parameters(callspec: Any) -> str:
    """Print a test's parameters, and what marks it because of them, alike in all processes.

    Raises:
        TypeError: It cannot be.
    """
    marks = [(mark.name, mark.args, mark.kwargs) for mark in callspec.marks if mark.name not in _JUDGING]
    return _printed([*sorted(callspec.params.items()), *marks])


def _printed(value: object) -> str:
    """Print a value alike in all processes.

    Raises:
        TypeError: It cannot be.
    """
    if isinstance(value, Enum):
        return str(value)
    if isinstance(value, _PRINTED_ALIKE):
        return repr(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_printed(key)}: {_printed(each)}' for key, each in value.items())}}}"
    if isinstance(value, AbstractSet):
        return f"{{{', '.join(sorted(map(_printed, value)))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_printed, value))}]"
    name = getattr(value, "__qualname__", "")  # as of "<lambda>", which any may be called
    if isinstance(name, str) and name and "<" not in name:
        return name
    raise TypeError
