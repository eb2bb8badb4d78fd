"""Signals to the worker, on every pool: where the task is lost, the verdict says that it is the pool's doing."""

from __future__ import annotations

import pytest

from tests.integration.faults.conftest import Run
from tests.plugin.inner import Inner

ADVICE = "no option of the task helps here: run it on prefork, or end its worker by SIGTERM, with the time to finish"


def lost(inner: Inner) -> set[str]:
    return inner.cases.keys() - inner.passed


def test_prefork_and_threads_survive_every_signal(run: Run) -> None:
    inner = run("pools", "-k", "prefork or threads")
    assert len(inner.passed) == 6, inner.text
    assert lost(inner) == set()


def test_solo_fails_what_runs_when_it_is_told_to_quit(run: Run) -> None:
    inner = run("pools", "-k", "solo")
    assert lost(inner) == {"test_signal[solo-SIGQUIT]"}, inner.text
    words = ("failed because the solo pool cannot end what it runs", ADVICE)
    assert inner.lacks("test_signal[solo-SIGQUIT]", *words) == []


@pytest.mark.gevent
def test_gevent_loses_what_runs_when_it_is_told_to_quit(run: Run) -> None:
    inner = run("pools", "-k", "gevent")
    assert lost(inner) == {"test_signal[gevent-SIGQUIT]"}, inner.text
    words = ("lost 1 (budget = 0)", "the gevent pool acknowledges what it runs", ADVICE)
    assert inner.lacks("test_signal[gevent-SIGQUIT]", *words) == []
