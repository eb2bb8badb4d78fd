"""What runs inside a worker: it writes down each step of each task.

Mountable alone: it imports the standard library, itself, and what the worker has loaded.
"""

from __future__ import annotations

import os


def install_from_environment() -> bool:
    """Install the probe if the environment says so; call it before the worker boots.

    Returns:
        Whether this process now has a probe.
    """
    from pytest_celery_perf.probe.config import VARIABLE, ProbeConfig

    text = os.environ.get(VARIABLE)
    if not text:
        return False
    from pytest_celery_perf.probe.lifecycle import install

    install(ProbeConfig.load(text))
    return True
