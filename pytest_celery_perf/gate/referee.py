"""Compares before the tests run, and judges each of them by it: what ``--celery-perf-base`` adds to pytest."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from pytest_celery_perf.errors import CeleryPerfError, ConfigurationError
from pytest_celery_perf.gate.compare import compare
from pytest_celery_perf.gate.environment import choose
from pytest_celery_perf.gate.invocation import Invocation
from pytest_celery_perf.judge.regression import judge
from pytest_celery_perf.model.codec import decode, encode
from pytest_celery_perf.model.gate import GateReport
from pytest_celery_perf.stash import OUTPUT, SESSION, SPEC
from pytest_celery_perf.worker.settings import unfit, unknown

if TYPE_CHECKING:
    from pytest_celery_perf.model.verdict import Verdict
    from pytest_celery_perf.options import Options
    from pytest_celery_perf.session import ActiveTest

_NOT_THE_USERS = frozenset({
    *("broker_url", "broker_read_url", "broker_write_url", "broker_transport", "broker_use_ssl", "broker_user"),
    *("broker_password", "result_backend", "redis_backend_use_ssl", "task_always_eager", "task_store_eager_result"),
    *("worker_pool", "worker_pool_start_method"),
})  # fmt: skip
"""Settings that the test run has to replace, or that a worker reads before it knows of any others."""
FOUND = "celery_perf_gate"
"""The key under which an xdist worker is told what the controller has found."""


class Referee:
    """A plugin of pytest, registered only where a base is given.

    Args:
        config: pytest's configuration.
        options: The settings.

    Raises:
        ConfigurationError: There is no such environment, or no such setting of Celery, or not with such a value.
    """

    def __init__(self, config: pytest.Config, options: Options) -> None:
        self._config = config
        self._options = options
        self._environment = choose(options.base_env)
        _check_settings(options)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tell a worker of pytest-xdist what was found: alone, before any of them runs."""
        node.workerinput[FOUND] = json.dumps(encode(self._report()))

    @pytest.hookimpl(wrapper=True, tryfirst=True)  # before the workers start for the tests themselves
    def pytest_collection_finish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Compare, if there is anything to compare, and have the tests judged by it."""
        concerned = any(SPEC in item.stash for item in session.items)
        if concerned and self._will_run(session):
            self._report()
        result = yield
        if SESSION in self._config.stash:
            self._config.stash[SESSION].judges.append(self._judge)
        return result

    def _will_run(self, session: pytest.Session) -> bool:
        stops = session.testsfailed and not self._config.option.continue_on_collection_errors
        return not stops and not self._config.option.collectonly

    def _report(self) -> GateReport:
        """Return what was found; the first who asks has to wait for it."""
        output = self._config.stash[OUTPUT]
        if output.gate is None:
            given = getattr(self._config, "workerinput", {}).get(FOUND)
            output.gate = self._compared() if given is None else decode(GateReport, json.loads(given))
        return output.gate

    def _compared(self) -> GateReport:
        output = self._config.stash[OUTPUT]
        try:
            with output.comparing() as told:
                return compare(Invocation.of(self._config), self._options, self._environment, told=told)
        except CeleryPerfError as error:
            raise pytest.UsageError(str(error)) from error

    def _judge(self, active: ActiveTest) -> tuple[Verdict, ...]:
        found = [each for each in self._report().comparisons if each.test == active.nodeid]
        return judge(found, options=_as_options(self._options), strict=self._options.inconclusive == "fail")


def _as_options(options: Options) -> list[str]:
    """Return what makes the same comparison again, on the command line."""
    given = [("base", options.base), ("base-env", options.base_env)]
    given += [("base-config", f"{name}={value}") for name, value in options.base_config]
    return [f"--celery-perf-{name}={value}" for name, value in given if value]


def _check_settings(options: Options) -> None:
    """Refuse what is no setting of Celery, or none of its values: it would change nothing, or no worker would work."""
    for name, value in options.base_config:
        if complaint := unknown(name) or unfit(name, json.loads(value)):
            raise ConfigurationError(f"celery_perf_base_config: {complaint}")
        if name in _NOT_THE_USERS:
            raise ConfigurationError(
                f"celery_perf_base_config: {name} is not yours to set in a test run, which decides on broker, results "
                "and pool; for pools there is `celery-perf pools`"
            )
