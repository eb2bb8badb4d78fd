"""The command, the variables and the files by which a pytest process becomes an arm."""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

import pytest_celery_perf
from pytest_celery_perf.gate.channel import VARIABLE, Assignment
from pytest_celery_perf.gate.invocation import Invocation, Selection
from pytest_celery_perf.gate.tree import Tree
from pytest_celery_perf.gate.words import switched_off
from pytest_celery_perf.guard import MARK
from pytest_celery_perf.model.codec import encode

PACKAGE = Path(pytest_celery_perf.__file__).parent
_NOT_FOR_ARMS = ("COV_CORE_", "PYTEST_XDIST_", "PYTEST_ADDOPTS", "PYTEST_CURRENT_TEST", MARK)
"""Beginnings of the names of variables: those of the process that asks, and those of its plugins."""


def arguments(invocation: Invocation, selection: Selection, directory: Path, lacking: Collection[str]) -> list[str]:
    """Return what comes after the interpreter's name.

    Args:
        invocation: The user's own.
        selection: What the arm collects.
        directory: Where it may write.
        lacking: Plugins of pytest that its environment has not.
    """
    # No folder of its own on the path (-P): whether it runs where the tests are is the user's affair, see `Tree`.
    # Unbuffered (-u): what it has printed when it is killed is all that tells why.
    return ["-P", "-u", "-m", "pytest", *selection.arguments, *invocation.options_of_an_arm(directory, lacking)]


def variables(invocation: Invocation, selection: Selection, tree: Tree, ours: Path) -> dict[str, str]:
    """Return an arm's variables, but for its assignment.

    Args:
        invocation: Knows those of the user's own run.
        selection: Tells where the arm runs.
        tree: Where its code is.
        ours: The folder from which it imports this package.
    """
    user = {name: value for name, value in invocation.environment.items() if not name.startswith(_NOT_FOR_ARMS)}
    foreign = [entry for entry in user.get("PYTHONPATH", "").split(os.pathsep) if entry and not tree.concerns(entry)]
    path = os.pathsep.join(dict.fromkeys([str(ours), *tree.import_path(invocation.app), *foreign]))
    return {**user, **switched_off(), "PYTHONPATH": path, "PWD": str(selection.folder)}


def told(assignment: Assignment) -> dict[str, str]:
    """Return the variable that makes a pytest process an arm."""
    return {VARIABLE: json.dumps(encode(assignment))}


def link_package(folder: Path) -> Path:
    """Return a folder that holds this package and nothing else.

    An arm has it first on its path: its environment may have another version of it, or none.

    Args:
        folder: Where to make it.
    """
    ours = folder / "plugin"
    ours.mkdir(exist_ok=True)
    link = ours / PACKAGE.name
    if not link.is_symlink():
        link.symlink_to(PACKAGE)
    return ours
