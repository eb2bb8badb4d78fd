"""Checklist "cache": what is known is not asked for again, and nothing is kept for ever."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from claims.recording import Measured
from fakes.ai_server import AIServer
from judge.models import Problem
from judge.services.cache import problem_info_key, problem_key, user_stats_key
from judge.tasks import (
    execute_code_task,
    extract_problem_info_task,
    warm_problem_cache_task,
    warm_user_stats_cache_task,
)
from pytest_celery_perf import CeleryPerf


def seconds_left(key: str) -> int:
    """Ask Redis how long a cache entry lives: -1 is for ever, -2 is not there."""
    client = cache._cache.get_client()  # type: ignore[attr-defined]  # noqa: SLF001 - Django has no name for it
    return int(client.ttl(cache.make_key(key)))


@pytest.mark.claim("B.cached-call")
def test_the_second_call_is_served_by_the_cache(
    celery_perf: CeleryPerf, ai: AIServer, problem_url: str, transactional_db: None, measured: Measured
) -> None:
    """Extract, second call: no outbound call, and faster."""
    ai.delay_s = 0.5

    first = celery_perf.run(extract_problem_info_task, args=(problem_url,)).runtime.max
    second = celery_perf.run(extract_problem_info_task, args=(problem_url,)).runtime.max

    assert ai.calls == {"/extract": 1}
    # Of several, as a busy machine may hold up one for longer than the service takes.
    later = celery_perf.run(extract_problem_info_task, args=(problem_url,), times=5, concurrency=1).runtime.min
    fastest = min(second, later)
    assert fastest < first
    measured("B.cached-call", f"{first * 1e3:.0f} ms, then {fastest * 1e3:.1f} ms and no call")


def test_what_was_extracted_is_kept_for_an_hour(
    celery_perf: CeleryPerf, ai: AIServer, problem_url: str, transactional_db: None
) -> None:
    """Extract: the entry has a time to live."""
    celery_perf.run(extract_problem_info_task, args=(problem_url,))

    assert 3500 < seconds_left(problem_info_key(problem_url)) <= 3600


@pytest.mark.claim("A.cache-lifetimes")
def test_warm_caches(celery_perf: CeleryPerf, problem: Problem, submission: dict[str, Any], measured: Measured) -> None:
    """Warm caches: the keys are there, with a time to live."""
    celery_perf.run(execute_code_task, kwargs=submission)
    celery_perf.run(warm_problem_cache_task)
    celery_perf.run(warm_user_stats_cache_task)

    stats = user_stats_key(submission["user_id"])
    assert cache.get(stats) == {"submissions": 1, "solved": 1}
    assert 3500 < seconds_left(problem_key(problem.pk)) <= 3600
    assert 500 < seconds_left(stats) <= 600
    lifetimes = [seconds_left(key) for key in (problem_key(problem.pk), stats)]
    measured("A.cache-lifetimes", f"keys live for {' and '.join(f'{seconds} s' for seconds in lifetimes)}")
