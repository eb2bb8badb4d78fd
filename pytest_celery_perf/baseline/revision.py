"""A revision of the user's repository as a work tree of its own, for as long as it is needed."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from pytest_celery_perf.baseline.git import Git, GitError
from pytest_celery_perf.errors import ConfigurationError

OPTION = "--celery-perf-base"
_RELATIVE = re.compile(r"[~^@:]|HEAD|^[0-9a-f]{4,39}$")
"""What only this repository knows, such as ``HEAD~1``, or the beginning of a hash."""


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
    """As the reader knows it: ``1a2b3c4 (merge base of HEAD and origin/main, 2 commits behind it)``."""
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
    commit, remarks = _meeting_point(git, rev)
    short, head = git.say("rev-parse", "--short", commit), head_label(folder, guard)
    if head == short:
        remarks = (*remarks, "the same code as the head")
    label = f"{short} ({'; '.join(remarks)})" if remarks else short
    tree = directory / f"base-{directory.name}"  # git names its own directory by the last part: let it be unique
    administration = common / "worktrees" / tree.name
    for path in (tree, administration):
        guard.directory(path)
    try:
        try:
            git.say("worktree", "add", "--quiet", "--detach", str(tree), commit)
        except GitError as error:
            problem = f"{OPTION}={rev}: git cannot check out {label}: {error}"
            raise ConfigurationError(f"{problem}{_remedy(administration, top)}") from None
        yield Revision(
            path=tree,
            checkout=top,
            commit=commit,
            short=short,
            label=label,
            head=head,
            notes=tuple(_notes(tree)),
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


def _remedy(administration: Path, top: Path) -> str:
    """Return what to do where git may not note a work tree; nothing if that is not what it suffers from."""
    nearest = next(each for each in administration.parents if each.exists())
    if os.access(nearest, os.W_OK):
        return ""
    return f". Git notes each work tree in its repository: let this user write to {nearest}, or run in a clone of {top}"


def _meeting_point(git: Git, rev: str) -> tuple[str, tuple[str, ...]]:
    """Return a commit, and what the reader must know of it: what it is to what was asked for."""
    try:
        named = git.say("rev-parse", "--verify", "--quiet", "--end-of-options", f"{rev}^{{commit}}")
    except GitError:
        raise ConfigurationError(
            f"{OPTION}={rev}: git knows no such commit; valid is a branch, a tag or a commit. {_advice(git, rev)}"
        ) from None
    commit = git.find("merge-base", "HEAD", named)
    if commit == named:
        return commit, () if named.startswith(rev) else (rev,)
    if commit:
        behind = int(git.say("rev-list", "--count", f"{commit}..{named}"))
        return commit, (f"merge base of HEAD and {rev}, {behind} commit{'s' * (behind != 1)} behind it",)
    reason = "the clone is shallow, so no merge base is known" if _shallow(git) else "HEAD has no commit in common"
    return named, (rev, reason)


def _advice(git: Git, rev: str) -> str:
    remotes = git.find("remote").splitlines()
    if _shallow(git):
        remote = remotes[0] if remotes else "origin"
        whole = f"fetch the whole history (git fetch --unshallow {remote}; in actions/checkout: fetch-depth: 0)"
        return f"This clone is shallow: {whole}{_alone(rev, remote)}"
    for remote in remotes:
        if git.find("rev-parse", "--verify", "--quiet", "--end-of-options", f"{remote}/{rev}^{{commit}}"):
            return f"There is {remote}/{rev}: did you mean that?"
    return f"It may have to be fetched: git fetch {remotes[0]}" if remotes else "`git log --all` shows them"


def _alone(rev: str, remote: str) -> str:
    """Return how to fetch a revision without its history; nothing where the remote does not know it by that."""
    if _RELATIVE.search(rev):
        return ""
    branch = rev.removeprefix(f"{remote}/")
    if branch != rev:
        return f", or the revision alone: git fetch --depth=1 {remote} {branch}:refs/remotes/{rev}"
    return f", or the revision alone: git fetch --depth=1 {remote} {rev}, and compare with {OPTION}=FETCH_HEAD"


def _renamed(git: Git, commit: str) -> Iterator[tuple[Path, Path]]:
    """Yield the files that have another name in the checkout, as far as git knows of them: (there, in the commit)."""
    options = ("--name-status", "--find-renames", "--diff-filter=R", "-z", "--no-relative", "--no-ext-diff")
    words = git.find("diff", *options, commit, "--").split("\0")
    for place in range(0, len(words) - 2, 3):  # a status, two names, and so on
        yield Path(words[place + 2]), Path(words[place + 1])


def _shallow(git: Git) -> bool:
    return git.find("rev-parse", "--is-shallow-repository") == "true"


def _notes(tree: Path) -> Iterator[str]:
    if (tree / ".gitmodules").exists():
        yield "the base's work tree has no submodules: their folders are empty there"
