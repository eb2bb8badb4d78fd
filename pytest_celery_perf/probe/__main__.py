"""Starts a worker with the probe in it, or the process from which such workers are forked."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["zygote"]:
        from pytest_celery_perf.probe.zygote import run
    else:
        import celery

        # First of all: a lock that exists by then stays a native one, and a greenlet that waits for it stops them all.
        celery.maybe_patch_concurrency()
        from pytest_celery_perf.probe.launch import run
    sys.exit(run(sys.argv[1:]))
