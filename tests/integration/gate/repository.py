"""Makes small git repositories, which know nothing of the user's settings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

_IDENTITY = {
    **dict.fromkeys(("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"), "A. Developer"),
    **dict.fromkeys(("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"), "developer@example.org"),
    **dict.fromkeys(("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM"), os.devnull),
}


class Repository:
    """A repository in a folder, with the branch ``main`` checked out.

    Args:
        folder: Where.
        create: Whether there is none yet.
    """

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        self.folder = folder
        if create:
            folder.mkdir()
            self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        """Run git there, and return what it printed."""
        command = ["git", *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env={**os.environ, **_IDENTITY}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str]) -> str:
        """Commit files, and return the commit as it is shown."""
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "--", *files)
        self.git("commit", "--quiet", "--message=Change")
        return self.git("rev-parse", "--short", "HEAD")

    @property
    def work_trees(self) -> list[str]:
        """The names of the work trees that git knows beside the main one."""
        folder = self.folder / ".git" / "worktrees"
        return [path.name for path in folder.iterdir()] if folder.exists() else []
