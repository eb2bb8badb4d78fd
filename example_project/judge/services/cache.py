"""What is kept in the cache, under which keys and for how long."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.core.cache import cache

from judge.services.ai import ProblemInfo

PROBLEM_INFO_TTL_S = 3600
PROBLEM_TTL_S = 3600
USER_STATS_TTL_S = 600


def problem_info_key(url: str) -> str:
    """Name the entry of a problem's page; hashed, since an address may be longer than a key."""
    return f"problem-info:{sha256(url.encode()).hexdigest()}"


def problem_key(problem_id: int) -> str:
    """Name the entry of a problem."""
    return f"problem:{problem_id}"


def user_stats_key(user_id: int) -> str:
    """Name the entry of a user's statistics."""
    return f"user-stats:{user_id}"


def remembered_problem_info(url: str) -> ProblemInfo | None:
    """Return what was read from a page within the last hour, if it was."""
    info: ProblemInfo | None = cache.get(problem_info_key(url))
    return info


def remember_problem_info(url: str, info: ProblemInfo) -> None:
    """Keep for an hour what was read from a page."""
    cache.set(problem_info_key(url), info, PROBLEM_INFO_TTL_S)


def remember_problems(problems: Mapping[int, dict[str, Any]]) -> None:
    """Keep what pages show of problems, by primary key."""
    cache.set_many({problem_key(pk): problem for pk, problem in problems.items()}, PROBLEM_TTL_S)


def remember_user_stats(stats: Mapping[int, dict[str, int]]) -> None:
    """Keep the statistics of users, by primary key."""
    cache.set_many({user_stats_key(pk): stat for pk, stat in stats.items()}, USER_STATS_TTL_S)
