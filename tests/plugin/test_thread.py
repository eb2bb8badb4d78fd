from __future__ import annotations

from pathlib import Path

import pytest

from .inner import Project


@pytest.mark.gevent
def test_what_executions_do_with_their_threads(tmp_path: Path) -> None:
    inner = Project.copy("kitchen", tmp_path / "kitchen", "thread").run("--celery-perf-measure=thread")
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.passed) == 8
