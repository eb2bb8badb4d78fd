"""Report files are written where they are asked for, and a step's summary is added to, as far as it has room."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pytest_celery_perf import files
from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.formats import FormatName, ReportFile, report_file
from pytest_celery_perf.options import Options
from pytest_celery_perf.report.formats.github_summary import LIMIT_BYTES, github_summary
from pytest_celery_perf.report.json import Report

REPORT = Report(created="2026-11-22T12:00:00+00:00", environment={"python": "3.11.7"})
SUMMARY = ReportFile(format=FormatName.GITHUB_SUMMARY, path=None, option="celery_perf_output")


def options(*outputs: ReportFile, json: Path | None = None) -> Options:
    values = dict.fromkeys(Options._fields) | {"outputs": outputs, "json": json}
    return Options(**values)  # type: ignore[arg-type]  # of the others, none is read


def test_the_summary_of_a_step_is_added_to(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    environment = {files.STEP_SUMMARY: str(path)}
    wanted = files.wanted(options(SUMMARY), environment)
    for _ in range(2):
        files.write(wanted, REPORT, "records", environment)
    assert path.read_text() == github_summary(REPORT) * 2


def test_a_summary_that_others_have_filled_is_left_below_what_a_step_may_say(tmp_path: Path) -> None:
    path = tmp_path / "summary.md"
    text = "x" * (LIMIT_BYTES - 10)
    path.write_text(text)
    files.write([SUMMARY], REPORT, "records", {files.STEP_SUMMARY: str(path)})
    assert path.read_text() == text


def test_annotations_without_a_file_are_for_the_terminal(tmp_path: Path) -> None:
    annotations = report_file("github-annotations", "x")
    assert files.annotates(options(annotations))
    assert files.wanted(options(annotations)) == ()
    into = report_file(f"github-annotations:{tmp_path / 'a'}", "x")
    assert not files.annotates(options(into))
    assert files.wanted(options(into)) == (into,)


def test_the_detail_of_json_is_that_of_the_setting_wherever_it_is_asked_for(tmp_path: Path) -> None:
    one, other = tmp_path / "new" / "a.json", tmp_path / "b.json"
    wanted = files.wanted(options(report_file(f"json:{one}", "x"), json=other))
    files.write(wanted, REPORT, "aggregates")
    assert one.read_text() == other.read_text()
    assert '"mode": "aggregates"' in one.read_text()


def test_two_formats_in_one_file_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    (tmp_path / "link.json").symlink_to(path)
    bencher = report_file(f"bencher:{tmp_path / 'link.json'}", "celery_perf_output")
    refusal = f"celery_perf_json: {path} is written for celery_perf_output: 'bencher:{tmp_path}/link.json', too: name"
    with pytest.raises(ConfigurationError, match=re.escape(refusal)):
        files.wanted(options(bencher, json=path))
    environment = {files.STEP_SUMMARY: str(path)}
    with pytest.raises(ConfigurationError, match="is written for celery_perf_output, too"):
        files.wanted(options(SUMMARY, json=path), environment)


def test_what_two_formats_may_share(tmp_path: Path) -> None:
    same = report_file(f"json:{tmp_path / 'a'}", "x")
    assert len(files.wanted(options(same, json=tmp_path / "a"))) == 2
    assert len(files.wanted(options(report_file("bencher:/dev/null", "x"), json=Path("/dev/null")))) == 2


def test_a_text_that_utf_8_cannot_hold_is_written_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    odd = Report(created="", environment={"python": "\udcff"})
    files.write([report_file(f"github-summary:{path}", "x")], odd, "records")
    assert r"\udcff" in path.read_text()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (".", "is a directory, not a file"),
        ("file/below", "below cannot be written: .*file is no directory; name another file$"),
    ],
)
def test_a_file_in_a_place_that_there_is_not_is_refused(tmp_path: Path, path: str, words: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="celery_perf_json: .*" + words):
        files.wanted(options(json=tmp_path / path))


@pytest.mark.parametrize(("path", "where"), [("file", "file"), ("folder/new", "folder")])
def test_a_file_that_may_not_be_written_is_refused(
    tmp_path: Path, path: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    monkeypatch.setattr(
        os, "access", lambda place, mode: mode == os.F_OK and place.exists()
    )  # root, as whom CI runs, may write everywhere
    with pytest.raises(
        ConfigurationError, match=rf"{path} cannot be written: this user may not write to .*/{where}; name "
    ):
        files.wanted(options(report_file(f"bencher:{tmp_path / path}", "celery_perf_output")))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc, where nobody can make a file")
@pytest.mark.parametrize("path", ["/proc/x.json", "/proc/nodir/x", "/proc/version"])
def test_a_file_that_only_looks_as_if_it_could_be_written_is_refused(path: str) -> None:
    """To root, that is; others lack the permission."""
    with pytest.raises(ConfigurationError, match=f"celery_perf_json: {path} cannot be written: .*; name another file$"):
        files.wanted(options(json=Path(path)))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="there is no /proc, where nobody can make a folder")
@pytest.mark.parametrize("path", ["/proc", "/proc/runs", "/proc/new/runs"])
def test_a_folder_that_only_looks_as_if_it_could_be_written_is_refused(path: str) -> None:
    with pytest.raises(ConfigurationError, match=f"x: {path} cannot be written: .*; name another directory$"):
        files.check_folder(Path(path), "x")


@pytest.mark.parametrize("name", ["a" * 300, f"{'a' * 300}/b"])
def test_a_name_that_is_too_long_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} cannot be written: .*; name another file$"):
        files.check(tmp_path / name, "x")


def test_to_check_leaves_nothing_behind_and_changes_nothing(tmp_path: Path) -> None:
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.write_text("before")
    os.mkfifo(pipe)  # which would wait for who reads it
    changed = file.stat().st_mtime_ns
    for path in (file, pipe, tmp_path / "new", tmp_path / "newer" / "new"):
        files.check(path, "x")
    for folder in (tmp_path, tmp_path / "newer"):
        files.check_folder(folder, "x")
    assert {file, pipe} == {*tmp_path.iterdir()}
    assert (changed, "before") == (file.stat().st_mtime_ns, file.read_text())
