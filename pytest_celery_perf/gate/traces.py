"""Looks for tests in files of the base that nobody can run there."""

from __future__ import annotations

import ast
import os
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from pytest_celery_perf.gate.offer import digest_of_source
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.model.gate import ArmTest


def traces(tests: Sequence[ArmTest], tree: Tree, root: Path, patterns: Collection[str]) -> dict[str, Path]:
    """Find the functions of tests in the text of a tree's files.

    Args:
        tests: Those of the checkout.
        tree: Where to look.
        root: The folder in the checkout to which the names of the tests are relative.
        patterns: The files to look at, besides those that are called as the tests' own.

    Returns:
        The file, from the top of the tree, by the name of the test. Left out are functions that the checkout still has
        in that file, unless it is the test's own: these were not moved.
    """
    own = {test.nodeid: Path(os.path.realpath(root / test.nodeid.partition("::")[0])) for test in tests}
    wanted = {test.source for test in tests}
    found: dict[str, Path] = {}
    for name in _files(tree.path, {*patterns, *(path.name for path in own.values())}):
        there = wanted & _functions(tree.path / name)
        here = tree.checkout / name
        still = there and _functions(here)
        for test in tests:
            if test.source in there and (own[test.nodeid] == here or test.source not in still):
                found.setdefault(test.nodeid, name)
    return found


def _files(top: Path, patterns: Collection[str]) -> Iterator[Path]:
    for path in sorted(top.rglob("*.py")):
        name = path.relative_to(top)
        if any(name.match(pattern) for pattern in patterns):
            yield name


def _functions(path: Path) -> set[str]:
    """Return the digests of a file's functions; none if it is not there, or no Python of this version."""
    try:
        text = path.read_text(encoding="utf-8")
        nodes = [*ast.walk(ast.parse(text))]
    except (OSError, ValueError, SyntaxError):
        return set()
    lines = text.split("\n")  # as Python counts them, and `str.splitlines` does not
    functions = [node for node in nodes if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {digest_of_source("\n".join(lines[_first(each) - 1 : each.end_lineno])) for each in functions}


def _first(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min(node.lineno for node in (function, *function.decorator_list))
