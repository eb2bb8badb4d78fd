"""Stored runs come back as they were, merge in any order, and are never guessed at."""

from __future__ import annotations

import math
import re
import shutil
import string
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_celery_perf.baseline.history import append, dump, load, stored_runs
from pytest_celery_perf.errors import BaselineError
from pytest_celery_perf.measure.stored import figures_of
from pytest_celery_perf.model.baseline import Calibration, StoredFigure, StoredRun
from tests.unit.histories import execution, failed, history, publication, retried

from .runs import run

_zones = st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30)), timezone(timedelta(hours=-8))])
_moments = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2040, 1, 1), timezones=_zones)  # noqa: DTZ001
_numbers = st.floats(min_value=0, allow_infinity=False)
_positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)
_figures = st.builds(
    StoredFigure, test=st.text(), task=st.text(), metric=st.text(), end=st.text(max_size=1), value=_numbers
)
_runs = st.builds(
    StoredRun,
    created=_moments.map(datetime.isoformat),
    commit=st.text(string.hexdigits, max_size=7),
    environment=st.dictionaries(st.text(), st.text(), max_size=3),
    calibration=st.builds(
        Calibration, wall_s=_positive, cpu_s=_positive, spread=_numbers, repetitions=st.integers(min_value=10)
    ),
    figures=st.lists(_figures, max_size=4, unique_by=lambda each: each.key).map(lambda figures: tuple(sorted(figures))),
)


@given(_runs)
def test_a_run_comes_back_as_it_was(stored: StoredRun) -> None:
    assert stored == load(dump(stored), "a file")


def test_what_a_test_with_several_ends_did_comes_back_as_it_was(tmp_path: Path) -> None:
    did = history(
        retried("t1", countdown_s=0), execution("t1", retries=1), failed("t2"), publications=(publication("t1"),)
    )
    stored = replace(run(), figures=tuple(sorted(figures_of("test_pay", did))))
    append(tmp_path, stored)
    assert (stored,) == stored_runs(tmp_path)
    assert {"", "failed", "retried"} == {each.end for each in stored.figures}


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    twice = replace(run(runtime=0.02), figures=run(runtime=0.02).figures * 2)
    named = f"runtime of {twice.figures[0].task} in {twice.figures[0].test}"
    for unsound, told in (
        (twice, f"the run could not be read again, line 3: {named} is there twice"),
        (run(runtime=math.nan), "the run cannot be written: Out of range float values are not JSON compliant"),
    ):
        with pytest.raises(BaselineError, match=f"^{re.escape(told)}"):
            append(tmp_path, unsound)
    assert not [*tmp_path.iterdir()]


@settings(max_examples=20)  # each writes files
@given(st.lists(_runs, max_size=3), st.lists(_runs, max_size=3))
def test_a_merge_is_the_union_in_whatever_order(ours: list[StoredRun], theirs: list[StoredRun]) -> None:
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        for folder, sequence in ((Path(one), (ours, theirs)), (Path(other), (theirs, ours))):
            for runs in sequence:
                for each in runs:
                    append(folder, each)
        assert stored_runs(Path(one)) == stored_runs(Path(other))
        assert {dump(each) for each in (*ours, *theirs)} == {dump(each) for each in stored_runs(Path(one))}


@given(_runs, st.data(), st.sampled_from(["", "\x00", "{", "NaN", '"']))
def test_what_was_cut_off_or_damaged_is_refused_with_its_line(stored: StoredRun, data: st.DataObject, end: str) -> None:
    text = dump(stored)
    damaged = text[: data.draw(st.integers(0, len(text) - 1))] + end
    with pytest.raises(BaselineError, match=r"^a file, line \d+: "):
        load(damaged, "a file")


GOOD = dump(run(queries=4, runtime=0.02))
HEAD, FIGURE = GOOD.splitlines()[:2]
GARBAGE = {
    "": (1, "it does not begin a stored run of schema 1"),
    "[]\n": (1, "it does not begin a stored run of schema 1"),
    GOOD.replace('"schema": 1', '"schema": 2'): (1, "it does not begin a stored run of schema 1"),
    GOOD.replace('"commit": "c0ffee00", ', ""): (1, "StoredRun: missing or unknown: commit"),
    GOOD.replace("+00:00", ""): (1, "'2026-11-01T12:00:00' lacks the offset of its time zone"),
    GOOD.replace("2026-11-01", "yesterday"): (1, "Invalid isoformat string: "),
    GOOD.replace('"wall_s": 0.02', '"wall_s": 0'): (1, "its calibration took no time"),
    GOOD.replace('"value": 4', '"value": "4"'): (2, "StoredFigure.value: expected float, found '4'"),
    GOOD.replace('"value": 4', '"value": -4'): (2, "queries is negative: -4"),
    GOOD.replace('"value": 4', '"value": NaN'): (2, "it is no JSON that can be read: NaN is not a number"),
    GOOD.replace('"value": 4', '"value": 1e999'): (2, "it is no JSON that can be read: 1e999 is not a number"),
    GOOD.replace(FIGURE, "<<<<<<< ours"): (2, "it is no JSON that can be read: "),
    GOOD.replace(FIGURE, "[" * 9999): (2, "it is no JSON that can be read: "),
    GOOD + FIGURE + "\n": (1, "it announces 2 figures, and 3 follow"),
    GOOD.replace("runtime", "queries"): (3, "queries of shop.tasks.pay in tests/test_shop.py::test_pay is there twice"),
    GOOD[:-1]: (3, "the line has no end: the file was cut off"),
}


@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_is_refused_with_path_and_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.jsonl"
    path.write_text(text)
    line, reason = GARBAGE[text]
    with pytest.raises(BaselineError) as refused:
        stored_runs(tmp_path)
    assert str(refused.value).startswith(f"{path}, line {line}: {reason}")


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    path.write_bytes(f"{HEAD}\n".encode() + b"\xff\n")
    with pytest.raises(BaselineError, match=r"run\.jsonl, line 2: it is not UTF-8"):
        stored_runs(tmp_path)


def test_runs_are_read_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    east = replace(run(), created="2026-11-01T13:00:00+05:00")  # eight o'clock in London
    west = replace(run(), created="2026-11-01T01:00:00-08:00")  # nine o'clock
    for each in (west, east):
        append(tmp_path / "new" / "folder", each)
    assert (east, west) == stored_runs(tmp_path / "new" / "folder")


def test_other_files_are_none_of_its_business(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("the stored runs")
    path = append(tmp_path, run())
    shutil.copy(path, path.with_name(f".{path.name}"))
    assert (run(),) == stored_runs(tmp_path)


def test_no_directory_holds_no_runs(tmp_path: Path) -> None:
    assert stored_runs(tmp_path / "nowhere") == ()


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BaselineError, match=r"the run cannot be stored in .*file: "):
        append(tmp_path / "file", run())
