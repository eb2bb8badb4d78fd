"""What git prints is read as Python reads the names of files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ASK = """
import sys
from pathlib import Path
from pytest_celery_perf.baseline.git import Git
top = Path(Git(Path.cwd(), {}).say("rev-parse", "--show-toplevel"))
print(sys.getfilesystemencoding(), top.samefile(Path.cwd()))
"""


@pytest.mark.parametrize("name", ["Mühle".encode(), b"M\xfchle"], ids=["utf-8", "latin-1"])
@pytest.mark.parametrize(("mode", "encoding"), [("0", "ascii"), ("1", "utf-8")])
def test_a_path_is_usable_whatever_the_locale_makes_of_it(
    tmp_path: Path, name: bytes, mode: str, encoding: str
) -> None:
    folder = tmp_path / os.fsdecode(name)
    try:
        folder.mkdir()
    except OSError as error:  # as of macOS, for what is not UTF-8
        pytest.skip(f"this file system has no such names: {error}")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "LC_"))}
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=folder,
        env={**kept, "LC_ALL": "C", "PYTHONUTF8": mode, "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == [encoding, "True"], done.stderr
