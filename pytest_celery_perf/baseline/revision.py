"""A revision of the user's repository as a work tree of its own, for as long as it is needed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_celery_perf.baseline.git import Git, GitError
from pytest_celery_perf.errors import ConfigurationError

OPTION = "--celery-perf-base"


class Guard(Protocol):
    """Whoever removes directories if this process is killed."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of a process that shall be killed, too."""

    def directory(self, path: Path) -> None:
        """Take over a directory with everything in it."""

    def release_directory(self, path: Path) -> None:
        """Forget a directory that was removed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A revision that was checked out, beside the checkout that it is compared with."""

    path: Path
    """The top of its work tree."""
    checkout: Path
    """The top of the user's own work tree."""
    commit: str
    short: str
    """The commit as a reader knows it: ``1a2b3c4``."""
    label: str
    """As the reader knows it: ``1a2b3c4 (merge base of HEAD and origin/main)``."""
    head: str
    """The checkout: ``5d6e7f8 + uncommitted changes``."""
    notes: tuple[str, ...]
    """What the reader must know of the two: sentences."""
    former: Mapping[Path, Path]
    """Of files that the checkout has by another name: that of the revision, by that; both relative to the top."""


@contextmanager
def checkout(rev: str, *, folder: Path, directory: Path, guard: Guard) -> Iterator[Revision]:
    """Check out where the checkout's history and a revision part: the revision itself if that is nowhere.

    Args:
        rev: What the user wrote, such as ``origin/main``.
        folder: In the repository: in its main work tree or another one, at its top or below.
        directory: Where to make the work tree.
        guard: Removes it if we cannot.

    Yields:
        The revision; it is gone afterwards.

    Raises:
        ConfigurationError: There is no git, no repository, no such revision, or it cannot be checked out.
    """
    git = Git(folder, guard.environment)
    top, common = _repository(git, rev, folder)
    commit, label = _meeting_point(git, rev)
    tree = directory / f"base-{directory.name}"  # git names its own directory by the last part: let it be unique
    administration = common / "worktrees" / tree.name
    for path in (tree, administration):
        guard.directory(path)
    try:
        try:
            git.say("worktree", "add", "--quiet", "--detach", str(tree), commit)
        except GitError as error:
            raise ConfigurationError(f"{OPTION}={rev}: git cannot check out {label}: {error}") from None
        head = head_label(folder, guard)
        short = git.say("rev-parse", "--short", commit)
        yield Revision(
            path=tree,
            checkout=top,
            commit=commit,
            short=short,
            label=label,
            head=head,
            notes=tuple(_notes(tree, same=head == short)),
            former=dict(_renamed(git, commit)),
        )
    finally:
        with contextlib.suppress(GitError):
            git.say("worktree", "remove", "--force", str(tree))
        for path in (tree, administration):
            shutil.rmtree(path, ignore_errors=True)
            guard.release_directory(path)


def head_label(folder: Path, guard: Guard) -> str:
    """Tell what is checked out in a folder: a commit, and whether there is more than that.

    Returns:
        Such as ``5d6e7f8 + uncommitted changes``; nothing outside of a repository.
    """
    git = Git(folder, guard.environment)
    try:
        commit = git.find("rev-parse", "--short", "HEAD")
        changes = git.find("status", "--porcelain").splitlines()
    except FileNotFoundError:
        return ""
    if any(not line.startswith("??") for line in changes):
        return f"{commit} + uncommitted changes"
    return f"{commit} + untracked files" if changes else commit


def _repository(git: Git, rev: str, folder: Path) -> tuple[Path, Path]:
    """Return the top of the work tree, and the directory of the repository that all its work trees share."""
    try:
        top, common = git.say("rev-parse", "--show-toplevel", "--git-common-dir").splitlines()
    except FileNotFoundError:
        raise ConfigurationError(f"{OPTION}={rev}: there is no git on the PATH; install it") from None
    except GitError as error:
        raise ConfigurationError(
            f"{OPTION}={rev}: {folder} is in no git repository that can be used, and a revision is taken from there: "
            f"{error}"
        ) from None
    return Path(top), (folder / common).resolve()  # the second is relative to where git runs


def _meeting_point(git: Git, rev: str) -> tuple[str, str]:
    """Return a commit, and what the reader knows it by."""
    try:
        named = git.say("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
    except GitError:
        raise ConfigurationError(
            f"{OPTION}={rev}: git knows no such commit; valid is a branch, a tag or a commit. {_advice(git, rev)}"
        ) from None
    commit = git.find("merge-base", "HEAD", named)
    short = git.say("rev-parse", "--short", commit or named)
    if commit == named:
        return commit, short if named.startswith(rev) else f"{short} ({rev})"
    if commit:
        return commit, f"{short} (merge base of HEAD and {rev})"
    reason = "the clone is shallow, so no merge base is known" if _shallow(git) else "HEAD has no commit in common"
    return named, f"{short} ({rev}; {reason})"


def _advice(git: Git, rev: str) -> str:
    remotes = git.find("remote").splitlines()
    if _shallow(git):
        remote = remotes[0] if remotes else "origin"
        return (
            "This clone is shallow: fetch the whole history (in actions/checkout: fetch-depth: 0), or the revision "
            f"alone: git fetch --depth=1 {remote} {rev.removeprefix(f'{remote}/')}"
        )
    for remote in remotes:
        if git.find("rev-parse", "--verify", "--quiet", "--end-of-options", f"{remote}/{rev}^{{commit}}"):
            return f"There is {remote}/{rev}: did you mean that?"
    return f"It may have to be fetched: git fetch {remotes[0]}" if remotes else "`git log --all` shows them"


def _renamed(git: Git, commit: str) -> Iterator[tuple[Path, Path]]:
    """Yield the files that have another name in the checkout, as far as git knows of them: (there, in the commit)."""
    options = ("--name-status", "--find-renames", "--diff-filter=R", "-z", "--no-relative", "--no-ext-diff")
    words = git.find("diff", *options, commit, "--").split("\0")
    for place in range(0, len(words) - 2, 3):  # a status, two names, and so on
        yield Path(words[place + 2]), Path(words[place + 1])


def _shallow(git: Git) -> bool:
    return git.find("rev-parse", "--is-shallow-repository") == "true"


def _notes(tree: Path, *, same: bool) -> Iterator[str]:
    if same:
        yield "base and head are the same code"
    if (tree / ".gitmodules").exists():
        yield "the base's work tree has no submodules: their folders are empty there"
