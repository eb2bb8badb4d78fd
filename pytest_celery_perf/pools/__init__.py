"""Runs tasks on several pools, side by side: for ``celery-perf pools`` and for ``celery_perf.pools``."""
