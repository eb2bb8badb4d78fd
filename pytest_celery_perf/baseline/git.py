"""Asks git, without what it would do for a user at a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

_OF_ANOTHER_REPOSITORY = frozenset({
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_COMMON_DIR", "GIT_PREFIX", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
})  # fmt: skip
"""Variables that git sets for its hooks: a pytest that one of them starts must not write into their index."""
_QUIET = {"LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
_SETTINGS = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "submodule.recurse=false", "gc.auto=0")


class GitError(Exception):
    """Git refused; the text is what it said."""


class Git:
    """Git in one folder: it runs no hooks, asks nothing, and speaks English.

    Args:
        folder: Where it is run.
        marks: Variables that it has besides, by which the guard finds it.
    """

    def __init__(self, folder: Path, marks: Mapping[str, str]) -> None:
        self._folder = folder
        kept = {name: value for name, value in os.environ.items() if name not in _OF_ANOTHER_REPOSITORY}
        self._environment = {**kept, **_QUIET, **marks}
        self._command = ["git", *(word for setting in _SETTINGS for word in ("-c", setting))]

    def say(self, *arguments: str) -> str:
        """Run a command of git.

        Returns:
            What it printed, without the last line's end.

        Raises:
            GitError: It failed.
            FileNotFoundError: There is no git.
        """
        done = subprocess.run(
            [*self._command, *arguments],
            cwd=self._folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            # Its paths are used as well as shown, so as Python reads the names of files, whatever the locale.
            encoding=sys.getfilesystemencoding(),
            errors="surrogateescape",
            check=False,
        )
        if done.returncode:
            raise GitError(done.stderr.strip() or f"git {arguments[0]} exited with status {done.returncode}")
        return done.stdout.rstrip("\n")

    def find(self, *arguments: str) -> str:
        """Run a command of git that may find nothing, and then fails.

        Returns:
            What it printed; nothing if it failed.
        """
        try:
            return self.say(*arguments)
        except GitError:
            return ""
