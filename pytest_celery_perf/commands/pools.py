"""``celery-perf pools``: runs tasks on several pools, side by side."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_celery_perf.commands.terminal import FAILED, print_text, read_report, tell
from pytest_celery_perf.errors import ConfigurationError, WorkerError

if TYPE_CHECKING:
    from pytest_celery_perf.model.record import Execution
    from pytest_celery_perf.runner.stage import Stage

APP_VARIABLE, APP_KEY = "CELERY_PERF_APP", "celery_perf_app"


def add_to(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    pools = commands.add_parser(
        "pools",
        help="run tasks on several pools, side by side, and recommend one",
        description="Run tasks on several pools, side by side, say what they do with their time, recommend a pool. "
        "Broker and workers are started for it; databases and services are those of the app's settings: the tasks "
        "run for real, many times.",
    )
    add = pools.add_argument
    add("tasks", nargs="*", metavar="TASK", help="the name of a task")
    add(
        "--app",
        metavar="MODULE:APP",
        help=f"the Celery app, as `celery -A` takes it; else ${APP_VARIABLE}, or {APP_KEY}",
    )
    add("--args", metavar="JSON", default="[]", help="arguments of the tasks, such as [1,2]")
    add("--kwargs", metavar="JSON", default="{}", help='keyword arguments of the tasks, such as {"user":1}')
    add("--pools", metavar="LIST", help="default: prefork:8,gevent:200,threads:32,solo")
    add("--tasks", metavar="N", dest="count", help="tasks on each pool; default: 4 for each slot, at least 20")
    add("--timeout", metavar="DURATION", default="60s", help="how long each pool may take; default: 60s")
    add("--broker", metavar="KIND", default="auto", help="auto (default), process, container or a redis:// URL")
    add("--json", metavar="FILE", type=Path, help="write all figures to this file")
    add("--all", action="store_true", help="take stock of all tasks of the app instead; runs those without arguments")
    add("--report", metavar="FILE", type=Path, help="of --all: take what a --celery-perf-json file knows from there")
    pools.set_defaults(run=run)


def run(given: argparse.Namespace) -> int:
    """Carry it out.

    Raises:
        CeleryPerfError: It cannot be done.
    """
    if given.all == bool(given.tasks):
        raise ConfigurationError("TASK and --all exclude each other" if given.all else "name a TASK, or say --all")
    if given.report is not None and not given.all:
        raise ConfigurationError(f"--report={given.report} needs --all")
    if given.broker not in {"auto", "process", "container"} and not given.broker.startswith(("redis://", "rediss://")):
        raise ConfigurationError(f"--broker={given.broker!r} is not auto, process, container or a redis:// URL")
    if given.json is not None and not _writable(given.json):
        raise ConfigurationError(f"--json={given.json} cannot be written")
    path, source = _app(given.app)
    work = _stock(given) if given.all else _compare(given)
    from pytest_celery_perf.options import DEFAULT_IMAGE
    from pytest_celery_perf.pools.work import on_stage
    from pytest_celery_perf.runner.app import load

    app = load(path, source)
    for name in given.tasks:
        _check_task(name, app.tasks)
    with on_stage(path, given.broker, DEFAULT_IMAGE) as stage:
        return work(stage)


def _app(given: str | None) -> tuple[str, str]:
    """Return the path of the app, and where it was given."""
    for path, source in ((given, "--app"), (os.environ.get(APP_VARIABLE), APP_VARIABLE)):
        if path:
            return path, source
    path, source = _in_ini_file(Path.cwd())
    if path:
        return path, source
    raise ConfigurationError(
        f"--app is not given, nor is {APP_VARIABLE} set or {APP_KEY} in an ini file here: name the Celery app, as "
        "`celery -A` takes it"
    )


def _in_ini_file(folder: Path) -> tuple[str | None, str]:
    """Return what the file says that pytest would read its settings from in this folder, and which one that is."""
    # Late, since it takes time; and no public function does it without the plugins of a whole test run.
    from _pytest.config.exceptions import UsageError
    from _pytest.config.findpaths import locate_config

    try:
        _, file, settings, *_ = locate_config(folder, [folder])
    except UsageError as error:
        raise ConfigurationError(f"pytest's ini file cannot be read: {error}") from None
    found: Any = settings.get(APP_KEY)
    value = getattr(found, "value", found)  # pytest 9 wraps it
    return None if value is None else str(value), f"{APP_KEY} in {file.name if file else 'no file'}"


def _compare(given: argparse.Namespace) -> Callable[[Stage], int]:
    """Read the arguments of a comparison; return what makes it."""
    from pytest_celery_perf.model.arguments import natural
    from pytest_celery_perf.model.units import parse_duration_s
    from pytest_celery_perf.pools.plans import DEFAULT, plans_of

    plans = plans_of(DEFAULT if given.pools is None else given.pools, "--pools")
    args, kwargs = _json(given.args, "--args", list), _json(given.kwargs, "--kwargs", dict)
    count = None if given.count is None else natural(_number(given.count), "--tasks", 1)
    timeout_s = parse_duration_s(given.timeout, "--timeout")

    def run(stage: Stage) -> int:
        from pytest_celery_perf.pools.compare import check_arguments, compare
        from pytest_celery_perf.pools.work import Call
        from pytest_celery_perf.report.pools import comparison_text

        done, status = [], 0
        calls = [Call(task=stage.app.tasks[name], args=args, kwargs=kwargs) for name in given.tasks]
        for call in calls:
            check_arguments(call)
        for call in calls:
            try:
                found = compare(stage, call, plans, tasks=count, timeout_s=timeout_s, told=tell)
            except WorkerError as error:  # the next task may run
                tell(f"error: {error}")
                status = FAILED
            else:
                print_text(comparison_text, found)
                done.append(found)
        _write(given.json, done)
        return status

    return run


def _stock(given: argparse.Namespace) -> Callable[[Stage], int]:
    """Read the arguments of an inventory; return what takes it."""
    from pytest_celery_perf.model.units import parse_duration_s

    for option in ("pools", "count"):
        if getattr(given, option) is not None:
            raise ConfigurationError(f"--{option.replace('count', 'tasks')}={getattr(given, option)} is not for --all")
    timeout_s = parse_duration_s(given.timeout, "--timeout")
    executions = () if given.report is None else _executions(given.report)

    def take_stock(stage: Stage) -> int:
        from pytest_celery_perf.pools.inventory import inventory
        from pytest_celery_perf.report.pools import inventory_text

        stocks = inventory(stage, executions, timeout_s=timeout_s, told=tell)
        print_text(inventory_text, stocks)
        _write(given.json, stocks)
        return 0

    return take_stock


def _writable(path: Path) -> bool:
    return not path.is_dir() and os.access(path if path.exists() else path.parent, os.W_OK)


def _executions(path: Path) -> tuple[Execution, ...]:
    return tuple(each for test in read_report(path, "--report").tests for each in test.history.executions)


def _check_task(name: str, tasks: Iterable[str]) -> None:
    if name not in tasks:
        from pytest_celery_perf.judge.phrases import closest

        near = closest(name, tasks)
        raise ConfigurationError(f"the app has no task {name!r}" + (f"; did you mean {near!r}?" if near else ""))


def _json(text: str, what: str, kind: type) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"{what}={text!r} is not JSON: {error}") from None
    if not isinstance(value, kind):
        wanted = "an array, such as [1,2]" if kind is list else 'an object, such as {"user":1}'
        raise ConfigurationError(f"{what}={text!r} is not {wanted}")
    return value


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


def _write(path: Path | None, found: Sequence[object]) -> None:
    if path is not None:
        from pytest_celery_perf.model.codec import encode

        path.write_text(json.dumps([encode(each) for each in found], indent=1) + "\n", encoding="utf-8")
