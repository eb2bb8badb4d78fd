"""The stored runs: a directory with one file for each, which is written once and never changed.

So histories merge without a conflict, in git as in a cache of CI: their union is the merge, in whatever order. The
first line of a file tells of the run, each further line is one figure, in a fixed order. All of it is JSON.

History of the format. A new number means that an older reader would misread the file.

    1   2026-11   the first
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NoReturn

from pytest_celery_perf.errors import BaselineError
from pytest_celery_perf.model.baseline import StoredFigure, StoredRun
from pytest_celery_perf.model.codec import decode, encode

SCHEMA = 1
SUFFIX = ".jsonl"


def append(folder: Path, run: StoredRun) -> Path:
    """Add a run to the stored ones.

    Args:
        folder: Where they are; made if it is not there.
        run: One in which nothing failed.

    Returns:
        Its file. The same run twice is one file.

    Raises:
        BaselineError: It cannot be written, or could not be read again: nobody could use the directory then.
    """
    text = _sound(run)
    digest = hashlib.sha256(text.encode()).hexdigest()
    moment = datetime.fromisoformat(run.created).astimezone(UTC)
    path = folder / f"{moment:%Y-%m-%dT%H-%M-%SZ}-{digest[:12]}{SUFFIX}"
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)  # whoever reads meanwhile sees all of it, or nothing
    except OSError as error:
        raise BaselineError(f"the run cannot be stored in {folder}: {error}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()
    return path


def stored_runs(folder: Path) -> tuple[StoredRun, ...]:
    """Read all runs of a directory.

    Args:
        folder: Where they are; without one there are none.

    Returns:
        The runs, oldest first.

    Raises:
        BaselineError: A file holds something that `append` never wrote; the text names the file and the line.
    """
    runs = [(_read(path), path.name) for path in folder.glob(f"[!.]*{SUFFIX}")]
    runs.sort(key=lambda pair: (datetime.fromisoformat(pair[0].created), pair[1]))
    return tuple(run for run, _ in runs)


def dump(run: StoredRun) -> str:
    """Write a run as the text of its file.

    Raises:
        ValueError: A figure is infinite or not a number, which JSON cannot say.
    """
    head = encode(replace(run, figures=()))
    figures = [encode(figure) for figure in sorted(run.figures)]
    lines = [{"schema": SCHEMA, **head, "figures": len(figures)}, *figures]
    return "".join(json.dumps(line, allow_nan=False) + "\n" for line in lines)


def load(text: str, what: object) -> StoredRun:
    """Read what `dump` wrote.

    Args:
        text: All of a file.
        what: Its path, as an error names it.

    Raises:
        BaselineError: It holds anything else; the text names the line.
    """
    lines = text.split("\n")
    if lines.pop():
        _refuse(what, len(lines) + 1, "the line has no end: the file was cut off")
    head, *figures = [_parsed(line, what, number) for number, line in enumerate(lines, 1)] or [None]
    if not isinstance(head, dict) or head.pop("schema", None) != SCHEMA:
        _refuse(what, 1, f"it does not begin a stored run of schema {SCHEMA}")
    if head.get("figures") != len(figures):
        _refuse(what, 1, f"it announces {head.get('figures')} figures, and {len(figures)} follow")
    try:
        run = decode(StoredRun, {**head, "figures": []})
        _check(run)
    except ValueError as error:
        _refuse(what, 1, str(error))
    return replace(run, figures=tuple(_figures(figures, what)))


def _sound(run: StoredRun) -> str:
    """Return the text of a run that will be read, as what no reader takes must not be written."""
    try:
        text = dump(run)
    except ValueError as error:
        raise BaselineError(f"the run cannot be written: {error}") from None
    load(text, "the run could not be read again")
    return text


def _check(run: StoredRun) -> None:
    if datetime.fromisoformat(run.created).tzinfo is None:
        raise ValueError(f"{run.created!r} lacks the offset of its time zone")
    if not (run.calibration.wall_s > 0 and run.calibration.cpu_s > 0 and run.calibration.spread >= 0):
        raise ValueError("its calibration took no time")


def _figures(data: list[Any], what: object) -> Iterator[StoredFigure]:
    seen = set()
    for number, each in enumerate(data, 2):
        try:
            figure = decode(StoredFigure, each)
        except ValueError as error:
            _refuse(what, number, str(error))
        if figure.key in seen:
            _refuse(what, number, f"{figure.name} of {figure.task} in {figure.test} is there twice")
        if figure.value < 0:
            _refuse(what, number, f"{figure.name} is negative: {figure.value:g}")
        seen.add(figure.key)
        yield figure


def _read(path: Path) -> StoredRun:
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise BaselineError(f"{path} cannot be read: {error}") from None
    except UnicodeDecodeError as error:
        _refuse(path, error.object.count(b"\n", 0, error.start) + 1, "it is not UTF-8")
    return load(text, path)


def _parsed(line: str, what: object, number: int) -> Any:
    try:
        return json.loads(line, parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        _refuse(what, number, f"it is no JSON that can be read: {error}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a number")
    return value


def _refuse(what: object, line: int, reason: str) -> NoReturn:
    raise BaselineError(f"{what}, line {line}: {reason}")
