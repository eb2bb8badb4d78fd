"""A revision is checked out beside the user's work tree, and goes again."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_celery_perf.baseline.revision import checkout, head_label
from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.guard import Guard
from tests.integration.gate.repository import Repository


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Main has gone on since the branch ``change`` left it, which is checked out."""
    repository = Repository(tmp_path / "project")
    repository.commit({"app.py": "VERSION = 1\n", "tests/test_app.py": ""})
    repository.git("branch", "change")
    repository.commit({"app.py": "VERSION = 2\n"})
    repository.git("checkout", "--quiet", "change")
    repository.commit({"app.py": "VERSION = 3\n"})
    return repository


def test_the_base_is_where_the_histories_part(repository: Repository, directory: Path, guard: Guard) -> None:
    before = repository.git("show-ref")
    with checkout("main", folder=repository.folder, directory=directory, guard=guard) as revision:
        assert (revision.path / "app.py").read_text() == "VERSION = 1\n"
        assert revision.path.is_relative_to(directory)
        assert revision.checkout == repository.folder
        assert revision.commit == repository.git("merge-base", "HEAD", "main")
        assert revision.label == f"{revision.commit[:7]} (merge base of HEAD and main, 1 commit behind it)"
        assert revision.head == repository.git("rev-parse", "--short", "HEAD")
        assert revision.notes == ()
        assert repository.work_trees == [revision.path.name]
    assert repository.work_trees == []
    assert list(directory.iterdir()) == []
    assert repository.git("show-ref") == before
    assert repository.git("status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("rev", "label"), [("HEAD~1", "{} (HEAD~1)"), ("v1", "{} (v1)"), ("{}", "{}")], ids=["relative", "tag", "commit"]
)
def test_an_ancestor_is_the_base_itself(
    repository: Repository, directory: Path, guard: Guard, rev: str, label: str
) -> None:
    repository.git("tag", "-a", "v1", "-m", "one", "HEAD~1")
    commit = repository.git("rev-parse", "--short", "HEAD~1")
    with checkout(rev.format(commit), folder=repository.folder, directory=directory, guard=guard) as revision:
        assert revision.label == label.format(commit)


def test_what_was_moved_is_told(repository: Repository, directory: Path, guard: Guard) -> None:
    """Also what is not committed, as far as git knows of it; whatever the name, from whatever folder one asks."""
    text = "".join(f"LINE_{number} = {number}\n" for number in range(20))
    repository.commit({"old/a b\n.py": text, "old/c.py": text.lower(), "old/d.py": text.swapcase()})
    repository.git("config", "diff.relative", "true")
    repository.git("mv", "old", "new")
    (repository.folder / "new" / "c.py").write_text(text.lower() + "more = 1\n")
    (repository.folder / "new" / "d.py").unlink()
    with checkout("HEAD", folder=repository.folder / "tests", directory=directory, guard=guard) as revision:
        assert revision.former == {Path("new/a b\n.py"): Path("old/a b\n.py"), Path("new/c.py"): Path("old/c.py")}


def test_histories_without_a_common_commit(repository: Repository, directory: Path, guard: Guard) -> None:
    repository.git("checkout", "--quiet", "--orphan", "other")
    short = repository.commit({"app.py": "VERSION = 9\n"})
    repository.git("checkout", "--quiet", "change")
    with checkout("other", folder=repository.folder, directory=directory, guard=guard) as revision:
        assert revision.label == f"{short} (other; HEAD has no commit in common)"
        assert (revision.path / "app.py").read_text() == "VERSION = 9\n"


def test_below_the_top_and_in_another_work_tree(repository: Repository, directory: Path, guard: Guard) -> None:
    other = directory.parent / "other"
    repository.git("worktree", "add", "--quiet", str(other), "main")
    with checkout("change", folder=other / "tests", directory=directory, guard=guard) as revision:
        assert revision.checkout == other
        assert (revision.path / "app.py").read_text() == "VERSION = 1\n"
        assert sorted(repository.work_trees) == sorted(["other", revision.path.name])
    assert repository.work_trees == ["other"]


def test_the_head_is_the_checkout_as_it_is(repository: Repository, directory: Path, guard: Guard) -> None:
    commit = repository.git("rev-parse", "--short", "HEAD")
    (repository.folder / "new.py").touch()
    assert head_label(repository.folder, guard) == f"{commit} + untracked files"
    (repository.folder / "app.py").write_text("VERSION = 4\n")
    with checkout("main", folder=repository.folder, directory=directory, guard=guard) as revision:
        assert revision.head == f"{commit} + uncommitted changes"
        assert not (revision.path / "new.py").exists()
    assert (repository.folder / "app.py").read_text() == "VERSION = 4\n"
    assert head_label(directory, guard) == ""


def test_the_reader_is_told_what_is_not_to_be_expected(repository: Repository, directory: Path, guard: Guard) -> None:
    repository.commit({".gitmodules": '[submodule "lib"]\n\tpath = lib\n\turl = ./lib\n'})
    with checkout("HEAD", folder=repository.folder, directory=directory, guard=guard) as revision:
        (submodules,) = revision.notes
    assert "no submodules" in submodules


def test_a_base_that_is_the_head_says_so(repository: Repository, directory: Path, guard: Guard) -> None:
    """As where the other branch alone has gone on; its commits are not compared."""
    repository.git("checkout", "--quiet", "HEAD~1")
    repository.git("checkout", "--quiet", "-b", "idle")
    for number in (4, 5):
        repository.git("checkout", "--quiet", "main")
        repository.commit({"app.py": f"VERSION = {number}\n"})
    repository.git("checkout", "--quiet", "idle")
    with checkout("main", folder=repository.folder, directory=directory, guard=guard) as revision:
        told = "merge base of HEAD and main, 3 commits behind it; the same code as the head"
        assert revision.label == f"{revision.head} ({told})"
    commit = repository.git("rev-parse", "--short", "HEAD")
    with checkout(commit, folder=repository.folder, directory=directory, guard=guard) as revision:
        assert revision.label == f"{commit} (the same code as the head)"
    (repository.folder / "app.py").write_text("VERSION = 6\n")
    with checkout(commit, folder=repository.folder, directory=directory, guard=guard) as revision:
        assert revision.label == commit


def test_no_hook_runs_and_no_variable_of_a_hook_misleads(
    repository: Repository, directory: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = repository.folder / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {directory.parent}/hook-ran\n")
    hook.chmod(0o755)
    index = (repository.folder / ".git" / "index").read_bytes()
    monkeypatch.setenv("GIT_DIR", str(repository.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(repository.folder / ".git" / "index"))
    with checkout("main", folder=repository.folder, directory=directory, guard=guard) as revision:
        assert (revision.path / "app.py").read_text() == "VERSION = 1\n"
    assert not (directory.parent / "hook-ran").exists()
    assert (repository.folder / ".git" / "index").read_bytes() == index


def refusal(rev: str, folder: Path, directory: Path, guard: Guard) -> str:
    """What is said of a revision that cannot be had; nothing of it is left."""
    with pytest.raises(ConfigurationError) as caught, checkout(rev, folder=folder, directory=directory, guard=guard):
        pass
    assert list(directory.iterdir()) == []
    return str(caught.value)


@pytest.mark.parametrize("rev", ["nosuch", "--help", "HEAD:app.py"])
def test_an_unknown_revision(repository: Repository, directory: Path, guard: Guard, rev: str) -> None:
    said = refusal(rev, repository.folder, directory, guard)
    assert said.startswith(f"--celery-perf-base={rev}: git knows no such commit; valid is a branch, a tag or a commit")


def test_a_branch_that_only_the_remote_has(repository: Repository, directory: Path, guard: Guard) -> None:
    clone = directory.parent / "clone"
    repository.git("clone", "--quiet", str(repository.folder), str(clone))
    assert "There is origin/main: did you mean that?" in refusal("main", clone, directory, guard)
    assert "git fetch origin" in refusal("nosuch", clone, directory, guard)


def test_a_shallow_clone(repository: Repository, directory: Path, guard: Guard) -> None:
    folder = directory.parent / "clone"
    repository.git("clone", "--quiet", "--depth=1", f"file://{repository.folder}", str(folder))
    clone = Repository(folder, create=False)
    said = ""
    for rev in ("HEAD~1", "origin/main", "main"):
        said = refusal(rev, folder, directory, guard)
        assert "This clone is shallow: fetch the whole history (git fetch --unshallow origin; " in said
        assert "fetch-depth: 0" in said
        alone = re.search(r"or the revision alone: git (fetch [^,]*)", said)
        assert (alone is None) == (rev == "HEAD~1")
        if alone is not None:
            clone.git(*alone[1].split())
    assert said.endswith(", and compare with --celery-perf-base=FETCH_HEAD")
    assert clone.git("rev-parse", "FETCH_HEAD", "origin/main") == "\n".join([repository.git("rev-parse", "main")] * 2)

    short = clone.git("rev-parse", "--short", "origin/main")
    with checkout("origin/main", folder=folder, directory=directory, guard=guard) as revision:
        assert revision.label == f"{short} (origin/main; the clone is shallow, so no merge base is known)"
        assert (revision.path / "app.py").read_text() == "VERSION = 2\n"
    clone.git("fetch", "--quiet", "--unshallow", "origin")
    with checkout("HEAD~1", folder=folder, directory=directory, guard=guard) as revision:
        assert (revision.path / "app.py").read_text() == "VERSION = 1\n"


def test_no_repository(directory: Path, guard: Guard) -> None:
    said = refusal("main", directory.parent, directory, guard)
    assert f"--celery-perf-base=main: {directory.parent} is in no git repository" in said
    assert "not a git repository" in said


def test_no_git(repository: Repository, directory: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(directory))
    said = refusal("main", repository.folder, directory, guard)
    assert said == "--celery-perf-base=main: there is no git on the PATH; install it"


def test_what_git_cannot_check_out(repository: Repository, directory: Path, guard: Guard) -> None:
    (repository.folder / ".gitattributes").write_text("app.py filter=broken\n")
    repository.commit({".gitattributes": "app.py filter=broken\n"})
    repository.git("config", "filter.broken.smudge", "false")
    repository.git("config", "filter.broken.required", "true")
    said = refusal("HEAD", repository.folder, directory, guard)
    assert "git cannot check out" in said
    assert "smudge filter broken failed" in said
    assert repository.work_trees == []


def test_a_repository_that_may_not_be_written(
    repository: Repository, directory: Path, guard: Guard, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = repository.folder / ".git"
    (own / "worktrees").touch()  # root, as whom CI runs, may write everywhere
    monkeypatch.setattr(os, "access", lambda place, mode: Path(place) != own / "worktrees")
    said = refusal("HEAD", repository.folder, directory, guard)
    assert "git cannot check out" in said
    assert said.endswith(f"let this user write to {own / 'worktrees'}, or run in a clone of {repository.folder}")


RUN = """
import os, signal, sys
from pathlib import Path
from pytest_celery_perf.baseline.revision import checkout
from pytest_celery_perf.guard import Guard
with Guard() as guard:
    guard.directory(Path(sys.argv[2]))
    with checkout("main", folder=Path(sys.argv[1]), directory=Path(sys.argv[2]), guard=guard) as revision:
        print(guard.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="waits for the guard by its pidfd")
def test_a_kill_leaves_no_work_tree(repository: Repository, directory: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", RUN, repository.folder, directory], stdout=subprocess.PIPE, text=True, check=False
    )
    assert run.returncode == -signal.SIGKILL
    try:
        guard = os.pidfd_open(int(run.stdout))
    except ProcessLookupError:  # it was quick
        pass
    else:
        assert select.select([guard], [], [], 60)[0], "the guard goes on"
        os.close(guard)
    assert not directory.exists()
    assert repository.work_trees == []
