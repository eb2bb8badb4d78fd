"""The commands of ``celery-perf``, a module each: what it takes, and what it does."""
