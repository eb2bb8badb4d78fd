"""A session of one test: a Redis, a worker, one task. Beside pytest-celery, which does the same in containers."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pytest_celery_perf.broker.engine import docker_available
from tests.benchmarks.measuring import CannotMeasureError, alternate, run
from tests.benchmarks.rows import Row

HERE = Path(__file__).parent
ROUNDS = 5
IMAGES = {
    "CELERY_PERF_TEST_REDIS_IMAGE": "celery-perf-test/redis:bookworm",
    "CELERY_PERF_TEST_WORKER_IMAGE": "celery-perf-test/worker:bookworm",
}
"""Built by ``.ci/build-images``; other ones by these variables."""


def main() -> list[Row]:
    images = {name: os.environ.get(name, image) for name, image in IMAGES.items()}
    for image in images.values():
        docker = docker_available(image, timeout=10.0)
        if not docker.available:
            raise CannotMeasureError(f"Docker {docker.reason}; start it, and build {image} with .ci/build-images")

    def session(project: str, test: str, *options: str) -> float:
        # Each with its own plugin alone: what else is installed here belongs to neither.
        command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", test, *options]
        return run(command, HERE / project, {**images, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})[0]

    def peer() -> float:
        return session("peer", "session.py")

    in_containers = ["--celery-perf-broker=container", f"--celery-perf-image={images['CELERY_PERF_TEST_REDIS_IMAGE']}"]
    process, peer_s = alternate(lambda: session("plain", "session.py", "--celery-perf-broker=process"), peer, ROUNDS)
    container, peer_again_s = alternate(lambda: session("plain", "session_container.py", *in_containers), peer, ROUNDS)
    work = "a session of one test: Redis, worker, one task"
    return [
        Row(
            work=f"{work}; processes; reference: pytest-celery",
            ours=process,
            reference=peer_s,
            unit="s",
            goal=0.2,
        ),
        Row(
            work=f"{work}; containers; reference: pytest-celery",
            ours=container,
            reference=peer_again_s,
            unit="s",
            goal=0.5,
        ),
    ]
