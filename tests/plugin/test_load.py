from __future__ import annotations

import json

from .inner import Inner, Project

APP, SUITE = "plain", "load"


def test_every_load(inner: Inner) -> None:
    assert inner.cases.keys() == inner.passed, inner.text
    assert len(inner.cases) == 19


LAID = """
from office import nap, silent

def test_it(celery_perf):
    load = celery_perf.load(silent, rate=100, count=30)
    print("load", load.throughput, load.latency.p95)
    capacity = celery_perf.capacity(nap, (0.02,), p95="10s", between=(20, 40), duration="1s")
    assert (load.done, capacity.rate) == (30, 40)
"""


def test_the_report_tells_of_loads(plain: Project) -> None:
    plain.write("test_it.py", LAID)
    inner = plain.run("--celery-perf-json=run.json", "-rP")
    assert inner.status == 0, inner.text
    (test,) = json.loads((plain.folder / "run.json").read_text())["tests"]
    (load,) = test["loads"]
    assert f"load {load['throughput']} {load['p95_s']}" in inner.text
    assert (30, 30, 0, None) == (load["tasks"], load["done"], load["failed"], load["p99_s"])
    assert ["copies"] == [each["way"] for each in load["published"]]
    (capacity,) = test["capacities"]
    assert (10, 1, 40, None) == tuple(capacity[name] for name in ("budget_s", "workers", "rate", "breaks_at"))
    assert [(20, True), (40, True)] == [(step["rate_per_s"], step["held"]) for step in capacity["steps"]]
