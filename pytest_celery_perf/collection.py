"""Reads the markers of the tests that are collected, and refuses what cannot work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from pytest_celery_perf import markers
from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.names import DRILL
from pytest_celery_perf.project import Project
from pytest_celery_perf.startup import check_children, check_faults, check_settings, default_workers, unfit
from pytest_celery_perf.stash import OPTIONS, SPEC, UNFIT


def read(item: pytest.Item) -> None:
    """Keep at a test what its markers ask for, and what it lacks here: that is no mistake, and its matter alone.

    Args:
        item: The test; one that concerns us.

    Raises:
        ConfigurationError: They ask for what is not valid, or cannot work.
    """
    fixtures = getattr(item, "fixturenames", None)
    if fixtures is None:
        raise ConfigurationError("the markers of celery-perf are for test functions and methods")
    options = item.config.stash[OPTIONS]
    project = Project(item.config)
    spec = markers.read(item, default_workers(item.config))
    project.check(item, spec)
    item.stash[SPEC] = spec = replace(project.with_databases(spec), closed=project.closed_to(item))
    check_settings(options, spec)
    if lack := unfit(options, spec):
        item.stash[UNFIT] = lack
    check_children(options, spec)
    check_faults(options, spec)
    if spec.reruns:
        from pytest_celery_perf.sweep.checks import check

        check(item, spec)
    _come_first(item, fixtures)


def _come_first(item: pytest.Item, fixtures: list[str]) -> None:
    """Have our fixture set up before those of the test: what they publish is the test's already.

    After the fixtures of wider scope, though, which may set the environment that the workers inherit.
    """
    known: Mapping[str, Sequence[Any]] = getattr(item, "_fixtureinfo").name2fixturedefs  # noqa: B009 - private
    if "celery_perf" in fixtures:
        fixtures.remove("celery_perf")
    narrow = (number for number, name in enumerate(fixtures) if name in known and known[name][-1].scope == "function")
    fixtures.insert(next(narrow, len(fixtures)), "celery_perf")


def check_drills(session: pytest.Session, drills: Sequence[str]) -> None:
    """Refuse to pass without the drills that were asked for, since no test is open to them.

    Args:
        session: With the tests that were selected.
        drills: Those that the settings ask for.

    Raises:
        pytest.UsageError: No test takes them.
    """
    config = session.config
    alone = not hasattr(config, "workerinput") and not config.pluginmanager.has_plugin("dsession")
    if drills and alone and session.items and not any(_takes_drills(item) for item in session.items):
        raise pytest.UsageError(
            f"--celery-perf-drill={','.join(drills)}: no selected test is marked @pytest.mark.{DRILL} without a name"
        )


def _takes_drills(item: pytest.Item) -> bool:
    return any(not mark.args and "name" not in mark.kwargs for mark in item.iter_markers(DRILL))
