"""The lines of the record files: one record each, as `wire` defines them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

from pytest_celery_perf.probe import wire

KINDS: dict[str, type[wire.Record]] = {kind.__name__.lower(): kind for kind in get_args(wire.Record)}
"""By the name that begins a line."""
_NAMES = {kind: name for name, kind in KINDS.items()}

# What `json.loads` does in the end, too: before that, it guesses the encoding, and looks for spaces.
_decoder: Any = json.JSONDecoder()
_scan: Callable[[str, int], tuple[Any, int]] = _decoder.scan_once
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=str)
_to_text: Callable[[Any], str] = _ENCODER.encode
_encoder: Any = json.encoder
if _encoder.c_make_encoder is not None:
    # What `JSONEncoder.encode` does in the end; to get there it takes almost as long again.
    _chunks = _encoder.c_make_encoder(None, str, _encoder.encode_basestring_ascii, None, ":", ",", False, False, True)

    def _to_text(value: Any) -> str:
        return "".join(_chunks(value, 0))


def encode(record: wire.Record) -> bytes:
    """Return the line of a record, newline included."""
    return (_to_text((_NAMES[type(record)], *record)) + "\n").encode()


def _value(text: str) -> Any:
    value, end = _scan(text, 0)
    if end < len(text):
        raise ValueError(f"something follows at {end}")
    return value


def decode(line: bytes) -> wire.Record:
    """Read a line without its newline.

    Raises:
        ValueError: The line is not a record of this format; the text says why.
    """
    try:
        kind, *fields = _value(line.decode())
        record = KINDS[kind](*fields)
    except KeyError as unknown:
        raise ValueError(f"unknown record kind {unknown}") from None
    except (StopIteration, ValueError, TypeError) as error:
        raise ValueError(f"not a record: {line[:80]!r} ({error})") from None
    if isinstance(record, wire.Process) and record.format != wire.FORMAT:
        raise ValueError(f"record format {record.format}, but this version reads format {wire.FORMAT}")
    return record
