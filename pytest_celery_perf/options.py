"""Every setting once: where it may be given, what it is by default, and what it means.

The first place that says something wins: command line, environment, ini file, default. So a
line in CI's environment beats the project's ini, and what somebody types beats both.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

if TYPE_CHECKING:
    import pytest

    from pytest_celery_perf.model.formats import ReportFile
    from pytest_celery_perf.model.settings import Setting

_T = TypeVar("_T")

DEFAULT_IMAGE = "valkey/valkey:8.1-alpine"


# Named tuples here: every suite imports this, and each dataclass takes milliseconds to make.
class Option(NamedTuple):
    """One setting. All its names derive from one."""

    name: str
    default: str
    metavar: str
    help: str
    lines: bool = False
    """Whether the ini value is a list of lines."""
    many: bool = False
    """Whether it may be given several times; else with commas in between."""
    modes: tuple[str, ...] = ()
    """On the command line it may stand alone, which is the first of these, or be followed by ``=`` and any of them."""

    @property
    def flag(self) -> str:
        """The option on the command line."""
        return "--celery-perf-" + self.name.replace("_", "-")

    @property
    def ini(self) -> str:
        """The key in the ini file, and the option's name inside pytest."""
        return "celery_perf_" + self.name

    @property
    def variable(self) -> str:
        """The environment variable."""
        return self.ini.upper()


OPTIONS = (
    Option(name="app", default="", metavar="MODULE:APP", help="the Celery app, as `celery -A` takes it"),
    Option(
        name="workers",
        default="default: -c 2",
        metavar="LINES",
        help="the default topology: a line `name: options of celery worker` for each worker",
        lines=True,
    ),
    Option(name="broker", default="auto", metavar="KIND", help="auto, process, container or a redis:// URL"),
    Option(name="image", default=DEFAULT_IMAGE, metavar="IMAGE", help="the container broker's image"),
    Option(
        name="timeout", default="60s", metavar="DURATION", help="how long a test waits for its tasks after its body"
    ),
    Option(
        name="time_scale",
        default="0.001",
        metavar="FACTOR",
        help="by how much celery_retries shortens the countdowns that a task requests",
    ),
    Option(
        name="start",
        default="auto",
        metavar="HOW",
        help="warm (forked from a preloaded process), cold, or auto: warm where that is sound",
    ),
    Option(name="point", default="", metavar="ID", help="of tests that sweep over points: try this one alone"),
    Option(
        name="drill",
        default="",
        metavar="NAME",
        help="run the tests that are marked celery_drill without a name under this drill; may be given several times",
        many=True,
    ),
    Option(
        name="measure",
        default="",
        metavar="NAMES",
        help="measure every task with these instruments too, the workers and the broker, or all of it; may be given "
        "several times",
        many=True,
    ),
    Option(
        name="base",
        default="",
        metavar="REV",
        help="compare with another revision: of the tests' tasks, time, CPU time and memory, in turns in this run",
    ),
    Option(
        name="base_env",
        default="",
        metavar="PYTHON",
        help="compare with another environment: an interpreter, a virtual environment, or image:NAME of a container",
    ),
    Option(
        name="base_config",
        default="",
        metavar="KEY=VALUE",
        help="compare with another setting of Celery; may be given several times",
        lines=True,
        many=True,
    ),
    Option(name="budget_time", default="10min", metavar="DURATION", help="how long the comparison may take"),
    Option(
        name="inconclusive",
        default="warn",
        metavar="HOW",
        help="warn or fail, where a marker or the comparison could not decide",
    ),
    Option(
        name="update",
        default="",
        metavar="MODE",
        help="lock what tests do, beside their modules: missing (of new tests), changed (what is not as locked, too), "
        "all (dropping what is gone)",
        modes=("all", "missing", "changed"),
    ),
    Option(
        name="strict",
        default="no",
        metavar="YES",
        help="fail tests that are not locked or do less than is locked, and lock files with entries of others",
        modes=("yes", "no"),
    ),
    Option(name="baseline", default="", metavar="DIR", help="compare with the runs that are stored in this directory"),
    Option(name="baseline_save", default="no", metavar="YES", help="store this run, if it passes", modes=("yes", "no")),
    Option(name="logs", default="", metavar="DIR", help="keep the workers' logs in this directory"),
    Option(name="json", default="", metavar="FILE", help="write all results to this file"),
    Option(
        name="json_detail",
        default="records",
        metavar="DETAIL",
        help="records (every execution) or aggregates (figures only)",
    ),
    Option(
        name="output",
        default="",
        metavar="FORMAT:FILE",
        help="write the results for another program, such as gitlab-metrics:metrics.txt; may be given several times",
        lines=True,
        many=True,
    ),
)


class Options(NamedTuple):
    """The settings of a test session, read and checked."""

    app: str
    workers: tuple[str, ...]
    broker: str
    image: str
    timeout_s: float
    time_scale: float
    start: str
    point: str
    drills: tuple[str, ...]
    measure: tuple[str, ...]
    base: str
    base_env: str
    base_config: tuple[tuple[str, str], ...]
    """Settings of Celery: (name, JSON value)."""
    budget_time_s: float
    inconclusive: str
    update: str
    """``missing``, ``changed``, ``all``, or empty: lock files are not written."""
    strict: bool
    baseline: Path | None
    baseline_save: bool
    logs: Path | None
    json: Path | None
    json_detail: str
    outputs: tuple[ReportFile, ...]
    settings: tuple[Setting, ...]
    """Each value with its source, for the header."""

    @property
    def compares(self) -> bool:
        """Whether another version is to be compared with."""
        return bool(self.base or self.base_env or self.base_config)


def add_to(parser: pytest.Parser) -> None:
    """Declare every option and ini key to pytest."""
    group = parser.getgroup("celery-perf", "performance and reliability of Celery tasks")
    for option in OPTIONS:
        # No default here: a default on the command line would hide the ini value.
        if option.modes:
            names = (option.flag, *(f"{option.flag}={mode}" for mode in option.modes))
            group.addoption(*names, dest=option.ini, action=_mode_of(option), nargs=0, default=None, help=option.help)
        else:
            action = "append" if option.many else "store"
            group.addoption(
                option.flag, dest=option.ini, metavar=option.metavar, action=action, default=None, help=option.help
            )
        if option.lines:
            parser.addini(option.ini, option.help, type="linelist", default=None)
        else:
            parser.addini(option.ini, option.help, type="string", default=None)


def _mode_of(option: Option) -> type[argparse.Action]:
    """Return what takes an option's mode from its name: a value that may be absent would swallow the path after it."""

    class Mode(argparse.Action):
        def __call__(self, _: object, namespace: object, __: object, name: str | None = None) -> None:  # type: ignore[explicit-override]  # from Python 3.12 on
            setattr(namespace, self.dest, (name or "").partition("=")[2] or option.modes[0])

    return Mode


def any_given(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether anybody has set anything: a suite that does not use us has not."""
    return any(
        config.getoption(option.ini) is not None or option.variable in environment or config.getini(option.ini)
        for option in OPTIONS
    )


def resolve(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> Options:
    """Read all settings.

    Args:
        config: pytest's configuration.
        environment: The environment variables.

    Returns:
        The settings.

    Raises:
        ConfigurationError: A value is not valid; the text names the option, the value and what is.
    """
    from pytest_celery_perf import values
    from pytest_celery_perf.model.units import parse_duration_s

    settings = {option.name: _find(option, config, environment) for option in OPTIONS}

    def parsed(name: str, parse: Callable[[str, str], _T]) -> _T:
        setting = settings[name]
        return parse(setting.value, f"celery_perf_{name} ({setting.source})")

    logs, json, baseline = (settings[name].value for name in ("logs", "json", "baseline"))
    return Options(
        app=settings["app"].value,
        workers=parsed("workers", values.workers),
        broker=parsed("broker", values.broker),
        image=settings["image"].value,
        timeout_s=parsed("timeout", values.patience_s),
        time_scale=parsed("time_scale", values.factor),
        start=parsed("start", values.one_of("auto", "warm", "cold")),
        point=settings["point"].value,
        drills=parsed("drill", values.drills),
        measure=parsed("measure", values.instruments),
        base=settings["base"].value,
        base_env=settings["base_env"].value,
        base_config=parsed("base_config", values.config),
        budget_time_s=parsed("budget_time", parse_duration_s),
        inconclusive=parsed("inconclusive", values.one_of("warn", "fail")),
        update=settings["update"].value and parsed("update", values.one_of("missing", "changed", "all")),
        strict=parsed("strict", values.one_of("yes", "no")) == "yes",
        baseline=Path(baseline) if baseline else None,
        baseline_save=parsed("baseline_save", values.one_of("yes", "no")) == "yes",
        logs=Path(logs).absolute() if logs else None,
        json=Path(json).absolute() if json else None,
        json_detail=parsed("json_detail", values.one_of("records", "aggregates")),
        outputs=parsed("output", values.outputs),
        settings=tuple(settings.values()),
    )


def _find(option: Option, config: pytest.Config, environment: Mapping[str, str]) -> Setting:
    from pytest_celery_perf.model.settings import Setting

    given = config.getoption(option.ini)
    if given is not None:
        value = ("\n" if option.lines else ",").join(given) if option.many else given
        return Setting(name=option.name, value=value, source="command line")
    if option.variable in environment:
        return Setting(name=option.name, value=environment[option.variable], source="environment")
    ini = config.getini(option.ini)
    if ini:
        return Setting(name=option.name, value="\n".join(ini) if option.lines else ini, source="ini")
    return Setting(name=option.name, value=option.default, source="default")
