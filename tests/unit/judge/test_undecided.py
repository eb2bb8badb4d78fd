"""What could not be decided fails where that is wanted, and nothing else changes."""

from __future__ import annotations

from pytest_celery_perf.judge.undecided import settled
from pytest_celery_perf.model.verdict import Check, Status, Verdict
from pytest_celery_perf.report.terminal import verdict_text

OPEN = Verdict(marker="celery_memory", task="shop.pay", status=Status.INCONCLUSIVE, evidence=("nobody knows",))


def test_a_warning_stays_one() -> None:
    assert (OPEN,) == settled([OPEN], "warn")


def test_a_failure_says_why_and_what_lets_it_pass() -> None:
    (verdict,) = settled([OPEN], "fail")
    assert verdict.failed
    assert verdict_text(verdict) == (
        "✗ celery_memory shop.pay: answer INCONCLUSIVE (budget PASS or FAIL)\n"
        "    nobody knows\n"
        "    fix: celery_perf_inconclusive=warn lets it pass unproved"
    )


def test_what_was_decided_stays_as_it_is() -> None:
    broken = Check(metric="peak", budget="≤ 1MiB", actual="2MiB", ok=False)
    decided = (
        Verdict(marker="celery_memory", task="shop.pay", status=Status.PASS),
        Verdict(marker="celery_memory", task="shop.pay", status=Status.FAIL, checks=(broken,)),
    )
    assert decided == settled(decided, "fail")
