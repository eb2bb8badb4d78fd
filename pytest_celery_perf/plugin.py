"""pytest's hooks, and nothing else. Loading this must stay cheap: most suites do not use it."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from pytest_celery_perf import locks, options
from pytest_celery_perf.errors import CeleryPerfError, ConfigurationError
from pytest_celery_perf.fixtures import (
    _celery_perf_session,
    celery_faults,
    celery_network,
    celery_perf,
    celery_size,
    unittest_failed,
)
from pytest_celery_perf.names import ARM, DRILL, MARKERS, check_spelling, concerns
from pytest_celery_perf.stash import (
    ACTIVE,
    CLEANUP,
    ENVIRONMENT,
    OPTIONS,
    OUTPUT,
    REFUSAL,
    RERUN,
    SEAT,
    SESSION,
    SHARED,
    SPEC,
    UNFIT,
)

if TYPE_CHECKING:
    from pytest_celery_perf.startup import Shared

__all__ = ["_celery_perf_session", "celery_faults", "celery_network", "celery_perf", "celery_size"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the settings."""
    options.add_to(parser)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    """Keep the environment before plugins and conftest files add to it: an arm of a comparison begins with it, too."""
    early_config.stash[ENVIRONMENT] = dict(os.environ)
    yield


def pytest_configure(config: pytest.Config) -> None:
    """Register the markers and, if anything is set, read the settings."""
    config.stash[CLEANUP] = []
    if ARM in os.environ:
        from pytest_celery_perf.gate.arm import enter

        enter(config)
    for line in _marker_lines(config):
        config.addinivalue_line("markers", line)
    if options.any_given(config):
        with _told_as_usage_error():
            _prepare(config)


def _marker_lines(config: pytest.Config) -> list[str]:
    if not config.option.markers:
        return [f"{name}: see pytest --markers" for name in MARKERS]
    from pytest_celery_perf import markers

    return markers.help_lines()


def _prepare(config: pytest.Config) -> None:
    """Read the settings and set the reports up, once."""
    if OPTIONS in config.stash:
        return
    from pytest_celery_perf.output import Output
    from pytest_celery_perf.values import check_variables

    check_variables(os.environ, [option.variable for option in options.OPTIONS])
    settings = options.resolve(config)
    if settings.logs:
        from pytest_celery_perf.files import check_folder

        check_folder(settings.logs, "celery_perf_logs")
    config.stash[OUTPUT] = Output(config, settings)
    config.stash[OPTIONS] = settings
    if SEAT not in config.stash:
        config.pluginmanager.register(config.stash[OUTPUT], "celery_perf_output")
        if settings.compares:
            from pytest_celery_perf.gate.referee import Referee

            config.pluginmanager.register(Referee(config, settings), "celery_perf_referee")
        if settings.baseline or settings.baseline_save:
            from pytest_celery_perf.stored import StoredRuns

            config.pluginmanager.register(StoredRuns(config, settings), "celery_perf_stored")
        from pytest_celery_perf.locks.scribe import NAME, Scribe

        config.pluginmanager.register(Scribe(settings, config.stash[OUTPUT]), NAME)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let the workers of pytest-xdist share one broker, and take turns."""
    if _app(node.config):
        from pytest_celery_perf.startup import SHARED_INPUT

        node.workerinput[SHARED_INPUT] = _share(node.config).dump()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a worker of pytest-xdist tells at its end; one that crashed tells nothing."""
    if OUTPUT in node.config.stash:
        node.config.stash[OUTPUT].take(getattr(node, "workeroutput", {}))


def _app(config: pytest.Config) -> str:
    return config.stash[OPTIONS].app if OPTIONS in config.stash else ""


def _share(config: pytest.Config) -> Shared:
    if SHARED not in config.stash:
        from pytest_celery_perf.startup import share

        with _told_as_usage_error():
            config.stash[SHARED], remove = share(config.stash[OPTIONS])
        config.stash[CLEANUP].append(remove)
    return config.stash[SHARED]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Have a test run once for each of its drills."""
    if metafunc.definition.get_closest_marker(DRILL) is None:
        return
    from pytest_celery_perf.markers.drills import drills_of

    config = metafunc.config
    if names := drills_of(metafunc.definition, config.stash[OPTIONS].drills if OPTIONS in config.stash else ()):
        metafunc.fixturenames.append(DRILL)
        metafunc.parametrize(DRILL, names)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Check the markers of what was collected."""
    report = yield
    errors: dict[str, list[str]] = {}
    for item in report.result or ():
        if isinstance(item, pytest.Item):
            try:
                check_spelling(item)
                if concerns(item):
                    _prepare(item.config)
                    from pytest_celery_perf.collection import read

                    read(item)
            except ConfigurationError as error:
                errors.setdefault(str(error), []).append(item.nodeid)
    if errors:
        report.outcome = "failed"
        report.longrepr = "\n".join(f"{_first(names)}: {error}" for error, names in errors.items())
        report.result = []
    return report


def _first(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


@pytest.hookimpl(tryfirst=True)  # before anything is deselected
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Find out what is locked of the tests."""
    if SEAT not in config.stash and any(SPEC in item.stash for item in items):
        locks.begin(session, items)


@pytest.hookimpl(tryfirst=True)  # before the terminal reporter asks for the header
def pytest_collection_finish(session: pytest.Session) -> None:
    """Prepare what the collected tests need, if any of them needs us."""
    config = session.config
    specs = [item.stash[SPEC] for item in session.items if SPEC in item.stash and UNFIT not in item.stash]
    if config.option.collectonly or OPTIONS not in config.stash:
        return
    from pytest_celery_perf.collection import check_drills

    check_drills(session, config.stash[OPTIONS].drills)
    if not specs:
        return
    worker = getattr(config, "workerinput", None)
    if worker is None and session.testsfailed and not config.option.continue_on_collection_errors:
        return  # pytest will run none of them
    from pytest_celery_perf.startup import start

    if any(spec.several for spec in specs):
        from pytest_celery_perf.sweep import protocol

        config.pluginmanager.register(protocol, "celery_perf_sweeps")
    if not locks.check(session):
        return
    try:
        config.stash[SESSION], close = start(config, config.stash[OPTIONS], specs)
        config.stash[CLEANUP].append(close)
        config.stash[OUTPUT].give(config.stash[SESSION].overrides)
        from pytest_celery_perf.early import Early

        early = Early(config.stash[SESSION].stage.app)
        config.stash[CLEANUP].append(early.close)
        config.pluginmanager.register(early, "celery_perf_early")
    except CeleryPerfError as error:
        if worker is None:
            raise pytest.UsageError(str(error)) from error
        config.stash[REFUSAL] = str(error)  # pytest-xdist would turn it into an internal error of its own


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Show the settings of a run by pytest-xdist, whose controller collects nothing."""
    if not config.pluginmanager.has_plugin("dsession") or not _app(config):
        return []
    return config.stash[OUTPUT].header([*_share(config).notes])


def pytest_report_collectionfinish(config: pytest.Config) -> list[str]:
    """Show the settings, the broker and what had to be overridden, if any test needs us."""
    if SESSION not in config.stash:
        return []
    session = config.stash[SESSION]
    return config.stash[OUTPUT].header(session.notes, session.overrides)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Fail a test that cannot run with these settings, before anything is set up for it."""
    if UNFIT in item.stash:
        pytest.fail(item.stash[UNFIT], pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """After a test's body, wait for its tasks and judge them."""
    active = item.stash.get(ACTIVE, None)
    if active is None:
        return (yield)
    session = item.config.stash[SESSION]
    try:
        result = yield
    except (KeyboardInterrupt, pytest.exit.Exception):  # whoever interrupts does not want to wait
        raise
    except BaseException:
        session.judge(active, failed=True)
        raise
    session.judge(active, failed=unittest_failed(item))
    locks.judge(item)
    complaint = item.config.stash[OUTPUT].complaint(active)
    if complaint:
        pytest.fail(complaint, pytrace=False)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Attach the result, and what the workers of a failed test have logged."""
    report = yield
    active = item.stash.get(ACTIVE, None)
    if report.when == "call" and active is not None and active.settled:  # not of a subtest, while the body goes on
        output = item.config.stash[OUTPUT]
        if report.failed:
            report.sections.extend(output.sections(active, report.longreprtext))
        if RERUN not in item.stash:
            output.results.record(active, item, report)
    elif report.when == "setup" and report.failed and SPEC in item.stash:
        item.config.stash[OUTPUT].results.record_set_up(item, report)
    return report


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop and remove everything."""
    for clean in config.stash[CLEANUP][::-1] if CLEANUP in config.stash else ():
        clean()


@contextmanager
def _told_as_usage_error() -> Iterator[None]:
    """Tell a mistake of the user in one line, without a traceback."""
    try:
        yield
    except CeleryPerfError as error:
        raise pytest.UsageError(str(error)) from error
