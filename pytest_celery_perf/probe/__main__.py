"""Starts a worker with the probe in it, or the process from which such workers are forked."""

from __future__ import annotations

import sys

if __name__ == "__main__":
    if sys.argv[1:2] == ["zygote"]:
        from pytest_celery_perf.probe.zygote import run
    else:
        from pytest_celery_perf.probe.launch import run
    sys.exit(run(sys.argv[1:]))
