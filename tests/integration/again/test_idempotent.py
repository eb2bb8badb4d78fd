"""``celery_idempotent``: good code passes, bad code fails at the point where it is bad, on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.plugin.inner import Inner

CLAIM = "claim the row in one step"
FAILS = {
    "test_bad_at_once": (
        "points survived 2 (budget = 4)",
        "the same message delivered again",
        "✓ pay_unclaimed:2",
        "✗ pay_unclaimed:3",
        "at once: 1st succeeded, 2nd succeeded",
        "bank_account: balance is '80' instead of '90'",
        "✓ pay_unclaimed:6",
        "bank/tasks.py:",
        CLAIM,
        "--celery-perf-point=pay_unclaimed:3",
    ),
    "test_bad_in_sequence": (
        "points survived 0 (budget = 1)",
        "in sequence: 1st succeeded, 2nd succeeded",
        "balance is '80' instead of '90'",
        "find it (a unique key",
        "2 left out: at_once=False",
    ),
    "test_bad_two_rows": ("bank_account: a row too many: owner='Bob'", CLAIM),
    "test_bad_refusal": (
        "1st succeeded, 2nd failed",
        "FAILED: a delivery failed with IntegrityError",
        "refusals=[IntegrityError]",
    ),
    "test_bad_outbound": ("outbound 2 instead of 1", "outbound 2 (budget ≤ 1)", "a call cannot be taken back"),
    "test_bad_invariant": ("the invariant lambda is broken",),
    "test_bad_nothing_published": ("the task ran nowhere", "bank.tasks.pay_early"),
    "test_bad_on_solo": ("✗ pay_unclaimed:3", CLAIM),
}


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message


def test_who_waits_for_a_lock_is_told(inner: Inner) -> None:
    assert "2nd waited for 1st at UPDATE bank_order SET state = ? WHERE (id = ? AND state = ?)" in inner.text


def test_who_is_busy_does_not_wait_for_a_lock(inner: Inner) -> None:
    """The second delivery runs to its end while the first is held, however long it is away from the database."""
    rows = [line for line in inner.text.splitlines() if " pay_after_thought:" in line]
    assert [row for row in rows if "at once: 1st succeeded, 2nd succeeded" in row], inner.text
    assert [row for row in rows if "waited" in row] == []


@pytest.mark.slow
@pytest.mark.postgresql
def test_on_postgresql(bank: Callable[..., Inner], postgres: dict[str, str]) -> None:
    chosen = ("test_good", "test_good_published_twice", "test_bad_at_once", "test_bad_two_rows")
    inner = bank("idempotent", *(f"test_idempotent.py::{each}" for each in chosen), **postgres)
    assert {each for each in chosen if "good" in each} == inner.passed, inner.text
    for test in ("test_bad_at_once", "test_bad_two_rows"):
        assert inner.lacks(test, CLAIM) == [], inner.cases[test].message


def test_under_xdist(bank: Callable[..., Inner]) -> None:
    inner = bank("idempotent", "-n2", "test_idempotent.py::test_good", "test_idempotent.py::test_bad_two_rows")
    assert {"test_good"} == inner.passed, inner.text
    assert inner.lacks("test_bad_two_rows", *FAILS["test_bad_two_rows"]) == [], inner.text


BAD = {
    "test_bad_sweep": ("points survived 0 (budget = 1)", "LOST: it was acknowledged before it ran (acks_late=False)"),
    "test_bad_faults": ("✗ pay:", "commit default", "autoretry_for=(django.db.utils.OperationalError,)"),
    "test_bad_twice": ("✗ pay_unclaimed:3", "balance is '80' instead of '90'", CLAIM),
}


def check(inner: Inner) -> None:
    assert {"test_good_sweep", "test_good_twice"} == inner.passed, inner.text
    for test, words in BAD.items():
        assert inner.lacks(test, *words) == [], inner.cases[test].message


@pytest.mark.slow
@pytest.mark.gevent
def test_sweeps_on_gevent(bank: Callable[..., Inner]) -> None:
    check(bank("worlds", BANK_WORKER="gevent"))


@pytest.mark.slow
@pytest.mark.docker
def test_sweeps_in_containers(bank: Callable[..., Inner], worker_image: str) -> None:
    check(bank("worlds", BANK_WORKER="container", BANK_IMAGE=worker_image))


@pytest.mark.slow
@pytest.mark.postgresql
def test_sweeps_on_postgresql(bank: Callable[..., Inner], postgres: dict[str, str]) -> None:
    check(bank("worlds", BANK_WORKER="prefork", **postgres))


@pytest.mark.slow
@pytest.mark.gevent
def test_on_gevent(bank: Callable[..., Inner]) -> None:
    inner = bank("gevent")
    assert ({"test_good"}, ["test_bad"]) == (inner.passed, [each for each in inner.cases if each not in inner.passed])
    assert inner.lacks("test_bad", "✗ pay_unclaimed:3") == [], inner.cases["test_bad"].message
