"""The record format: what is written is what is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_celery_perf.probe import lines, wire

texts = st.text(max_size=40)
received = st.builds(
    wire.Received,
    ns=st.integers(min_value=0),
    token=texts,
    id=texts,
    root=st.none() | texts,
    parent=st.none() | texts,
    name=texts,
    retries=st.integers(min_value=0),
    tag=texts,
    queue=st.none() | texts,
    priority=st.none() | st.integers(0, 9),
    redelivered=st.booleans(),
)


@given(received)
def test_a_record_survives_the_round_trip(record: wire.Received) -> None:
    line = lines.encode(record)

    assert b"\n" not in line[:-1]
    assert record == lines.decode(line[:-1])


def test_every_kind_is_named_once() -> None:
    assert {kind.__name__.lower() for kind in lines.KINDS.values()} == set(lines.KINDS)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"", "not a record"),
        (b"garbage", "not a record"),
        (b'["started",1]', "not a record"),
        (b'["published",1,"a",0]["published",2,"b",0]', "something follows at 21"),
        (b'["published",1,"a",0', "not a record"),
        (b'["published",1,"\xff",0]', "not a record"),
        (b'{"started":1}', "not a record"),
        (b'["begun",1]', "unknown record kind 'begun'"),
        (b'["process",99,1,"b",1,"c"]', "record format 99, but this version reads format 1"),
    ],
)
def test_what_no_probe_writes_is_refused(line: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        lines.decode(line)


def test_what_json_does_not_know_is_written_as_text() -> None:
    record = wire.Problem(1, ValueError("torn"))  # type: ignore[arg-type]

    assert wire.Problem(1, "torn") == lines.decode(lines.encode(record)[:-1])
