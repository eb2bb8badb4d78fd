"""celery_cache, celery_logs and celery_outbound: good code passes, bad code fails with the reason."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.plugin.inner import Inner

FAILS: dict[str, tuple[str, ...]] = {
    "test_never_written": (
        "celery_cache agency.tasks.look_up: hit ratio 0 % (budget ≥ 60 %)",
        "keys of 3 executions: 3 asked for, 0 found, 0 written, 0 deleted",
        "3×  miss  default  client:#  agency/tasks.py:158 look_up  ← missed",
        "fix: agency/tasks.py:158 look_up asks for client:#, which nobody writes: cache.set(…) after the miss",
    ),
    "test_written_elsewhere": (
        "hit ratio           0 %  ≥ 50 %",
        "keys without a TTL    2  = 0",
        "set   default  clients:#  agency/tasks.py:166 refresh  ← no TTL",
        "agency/tasks.py:165 refresh asks for client:#, which nobody writes",
        "agency/tasks.py:166 refresh writes clients:# for good: give it timeout=…, or the cache 'default' a TIMEOUT",
    ),
    "test_misses": (
        "misses 1 (budget ≤ 0)",
        "agency/tasks.py:158 look_up misses client:#, though somebody writes such: the first to ask always does",
    ),
    "test_no_cache": (
        "hit ratio of no key (budget ≥ 50 %)",
        "fix: idle (agency/tasks.py:200) does not use the cache: ask it before the work",
    ),
    "test_another_cache": (
        "uses of cache 'memory' 0 (seen: default) (budget ≥ 1)",
        "does not use the cache 'memory'",
    ),
    "test_many_lines": (
        "celery_logs agency.tasks.report: log records 40 (budget ≤ 3)",
        "40×  WARNING  client %d does not answer  agency/tasks.py:173 report",
        "fix: agency/tasks.py:173 report logs 'client %d does not answer' 40 times: log the first few",
    ),
    "test_errors": (
        "ERROR records 1 (budget ≤ 0)",
        "1×  ERROR    %d clients do not answer   agency/tasks.py:175 report  ← ERROR",
        "fix: agency/tasks.py:175 report logs '%d clients do not answer': leave it out, lower its level",
    ),
    "test_the_same_line": (
        "same text 40 (budget ≤ 3)",
        "judged 2 executions: 2 to 40 log records each",
        "agency/tasks.py:173 report  ← repeated",
    ),
    "test_five_calls": (
        "celery_outbound agency.tasks.call: calls 5 (budget ≤ 1)",
        "GET /clients/# 200  agency/tasks.py:182 call",
        "5 times: ask once for all, or keep the answer in a cache",
    ),
    "test_a_call": ("calls 1 (budget ≤ 0)", "keep its answer in a cache, or raise the budget on purpose"),
    "test_fewer_calls": ("calls 2 (budget = 3)", "if that is the improvement you made, write exact=2"),
    "test_a_stranger": (
        "hosts 127.0.0.1:",
        "(budget in *.example.com, 127.0.0.1:1)",
        "← not allowed",
        "leave it to another task, or add it to hosts=",
    ),
    "test_a_task_that_fails": ("executions to judge 0 of 1", "left out: 1 stopped before its body ran"),
}


@pytest.fixture(scope="module")
def inner(play: Callable[..., Inner]) -> Inner:
    return play("agency", "markers")


def test_good_code_passes(inner: Inner) -> None:
    assert inner.cases.keys() - FAILS.keys() == inner.passed, inner.text


@pytest.mark.parametrize("test", FAILS)
def test_bad_code_fails_with_the_reason(inner: Inner, test: str) -> None:
    assert inner.lacks(test, *FAILS[test]) == [], inner.cases[test].message
