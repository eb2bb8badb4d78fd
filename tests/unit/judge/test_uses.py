"""celery_cache, celery_logs and celery_outbound on histories that workers do not make at will."""

from __future__ import annotations

from typing import Any

from pytest_celery_perf.judge.registry import judge_all
from pytest_celery_perf.model.figures import Figures
from pytest_celery_perf.model.frame import Frame
from pytest_celery_perf.model.record import Execution
from pytest_celery_perf.model.spec import Budget
from pytest_celery_perf.model.uses import (
    CacheBudget,
    CacheCall,
    CacheUse,
    LogsBudget,
    LogText,
    LogUse,
    OutboundBudget,
)
from pytest_celery_perf.model.verdict import Status, Verdict
from tests.unit.histories import crashed, execution, history

LINE = Frame(path="/app/shop/tasks.py", line=30, function="charge")


def verdict_on(budget: Budget, *executions: Execution) -> Verdict:
    (verdict,) = judge_all([budget], history(*executions))
    return verdict


def cached(task_id: str, *events: str, **fields: Any) -> Execution:
    calls = tuple(
        CacheCall(alias="default", event=event, key="order:#", lasting=False, times=1, where=LINE) for event in events
    )
    return execution(task_id, figures=Figures(cache=CacheUse(calls=calls)), **fields)


def logging(task_id: str, *texts: tuple[int, str, int]) -> Execution:
    told = tuple(LogText(level=level, text=text, times=times, where=LINE) for level, text, times in texts)
    return execution(task_id, figures=Figures(logs=LogUse(texts=told)))


def test_the_ratio_is_that_of_all_executions_together() -> None:
    executions = [cached("t1", "miss"), cached("t2", "hit", "hit", "hit")]
    assert verdict_on(CacheBudget(hit_ratio=0.75), *executions).status is Status.PASS
    assert verdict_on(CacheBudget(hit_ratio=0.76), *executions).status is Status.FAIL


def test_misses_are_those_of_the_worst_execution() -> None:
    executions = [cached("t1", "miss"), cached("t2", "miss", "miss")]
    verdict = verdict_on(CacheBudget(max_misses=1), *executions)
    assert [(check.actual, check.ok) for check in verdict.checks] == [("2", False)]


def test_a_cold_cache_is_left_out() -> None:
    executions = [cached("t1", "miss", started=2), cached("t2", "hit", started=3)]
    assert verdict_on(CacheBudget(max_misses=0, warmup=1), *executions).status is Status.PASS
    verdict = verdict_on(CacheBudget(max_misses=0, warmup=2), *executions)
    assert (verdict.status, verdict.evidence) == (Status.FAIL, ("left out: 2 warm-up",))


def test_an_app_without_djangos_caches_gives_no_answer() -> None:
    verdict = verdict_on(CacheBudget(max_misses=0), execution())
    assert verdict.status is Status.INCONCLUSIVE
    assert verdict.evidence == ("cache is not known of main@host: its app has none of Django's caches",)


def test_a_crashed_execution_is_left_out_and_fails() -> None:
    verdict = verdict_on(LogsBudget(max=1), logging("t1", (30, "x", 1)), crashed("t2", retries=0))
    assert verdict.status is Status.FAIL
    assert [check.metric for check in verdict.checks if not check.ok] == ["ended"]


def test_the_lines_that_did_it_are_the_places_of_a_verdict() -> None:
    for budget, run in (
        (CacheBudget(max_misses=0), cached("t1", "miss")),
        (LogsBudget(max=0), logging("t1", (30, "x", 1))),
    ):
        assert verdict_on(budget, run).places == (LINE,)


def test_levels_are_counted_each_by_itself() -> None:
    noisy = logging("t1", (30, "a", 2), (40, "b", 1), (40, "c", 1))
    verdict = verdict_on(LogsBudget(levels=((30, 2), (40, 1)), repeated=2), noisy)
    assert [(check.metric, check.actual, check.ok) for check in verdict.checks] == [
        ("WARNING records", "2", True),
        ("ERROR records", "2", False),
        ("same text", "2", True),
    ]
    assert "  1×  ERROR    b  /app/shop/tasks.py:30 charge  ← ERROR" in verdict.evidence


def test_the_rest_of_many_texts_is_counted() -> None:
    noisy = logging("t1", *((30, f"text {letter}", 1) for letter in "abcdefghijklmnop"))
    verdict = verdict_on(LogsBudget(max=0), noisy)
    assert verdict.evidence[-1] == "  … and 4 more, of 4 other kinds"


def test_calls_of_a_worker_that_tells_nothing_are_not_zero() -> None:
    verdict = verdict_on(OutboundBudget(max=0), execution())
    assert verdict.status is Status.INCONCLUSIVE


def test_a_misspelt_cache_is_not_within_its_budget() -> None:
    verdict = verdict_on(CacheBudget(alias="defualt", max_misses=0, ttl_required=True), cached("t1", "miss"))
    assert verdict.status is Status.FAIL
    assert [(check.metric, check.budget, check.actual) for check in verdict.checks if not check.ok] == [
        ("uses of cache 'defualt'", "≥ 1", "0 (seen: default)")
    ]


def test_a_cache_that_is_used_during_warm_up_alone_is_used() -> None:
    executions = [cached("t1", "miss", started=2), cached("t2", started=3)]
    verdict = verdict_on(CacheBudget(alias="default", max_misses=0, warmup=1), *executions)
    assert verdict.status is Status.PASS


def test_an_execution_that_is_made_to_fail_warms_nothing_up() -> None:
    injected = cached("t1", started=2, injected=True)
    executions = [injected, cached("t2", "miss", started=3), cached("t3", "hit", started=4)]
    verdict = verdict_on(CacheBudget(max_misses=0, warmup=1), *executions)
    assert verdict.status is Status.PASS
    assert "left out: 1 stopped before its body ran, 1 warm-up" in verdict.evidence
