"""Performance and reliability regression tests for Celery tasks, on real workers."""
