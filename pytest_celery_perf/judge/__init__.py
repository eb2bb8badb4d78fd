"""Figures and budgets become verdicts: pure functions on frozen values."""

from __future__ import annotations

from pytest_celery_perf.judge.registry import judge_all

__all__ = ["judge_all"]
