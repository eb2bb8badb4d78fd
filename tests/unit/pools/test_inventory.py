"""What an inventory keeps of a task where something goes wrong."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.errors import WorkerError
from pytest_celery_perf.model.pools import Fit, Kind, TaskProfile
from pytest_celery_perf.pools import inventory as module

if TYPE_CHECKING:
    import pytest

ALONE = TaskProfile(task="shop.charge", kind=Kind.WAITS, cpu_share=0.02, runtime_s=0.1, executions=5, source="solo")


def test_a_profile_is_kept_though_gevent_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any, **__: Any) -> None:
        raise WorkerError("the worker has died")

    task = SimpleNamespace(name="shop.charge", run=lambda: None)
    stage: Any = SimpleNamespace(app=SimpleNamespace(tasks={task.name: task}))
    monkeypatch.setattr(module, "profile", lambda *_, **__: ALONE)
    monkeypatch.setattr(module, "try_pool", fails)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: True)
    (stock,) = module.inventory(stage, (), timeout_s=1, told=lambda _: None)
    assert (stock.profile, stock.note) == (ALONE, "gevent:10: the worker has died")
    assert stock.fit == Fit(pool="threads")
