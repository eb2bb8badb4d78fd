"""Passwords never reach a header or a report."""

from __future__ import annotations

import pytest

from pytest_celery_perf.model.settings import masked


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("redis://:s3cret@host:6379/0", "redis://:***@host:6379/0"),
        ("rediss://user:s3@cret@host/1", "rediss://user:***@host/1"),
        ("sentinel://:a@h1:1;sentinel://:b@h2:2", "sentinel://:***@h1:1;sentinel://:***@h2:2"),
        ("redis://host/0?password=s3cret&db=2", "redis://host/0?password=***&db=2"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("redis://user@host/0", "redis://user@host/0"),
        ("execution: -Q execution -n execution@%h", "execution: -Q execution -n execution@%h"),
    ],
)
def test_a_password_in_a_url_is_hidden_and_nothing_else(text: str, expected: str) -> None:
    assert expected == masked(text)
