"""Enters Celery's own worker command, without the other commands of its command line.

Those, their plugins and their REPL are a quarter of what ``celery worker`` imports.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from pytest_celery_perf.probe import install_from_environment
from pytest_celery_perf.probe.config import VARIABLE, ProbeConfig
from pytest_celery_perf.probe.faults import directory_beside
from pytest_celery_perf.probe.processes import die_with_launcher

if TYPE_CHECKING:
    from celery import Celery

USAGE = "usage: python -m pytest_celery_perf.probe -A APP worker [options of celery worker]"
EXIT_USAGE = 2

OWNED_BY_RUNNER: dict[str, Any] = {
    "detach": False,
    "logfile": None,
    "pidfile": None,
    "uid": None,
    "gid": None,
    "umask": None,
    "executable": None,
}
"""Options that turn a worker into a daemon. Who starts it here waits for it, reads its log and kills it."""

_GLOBAL_VARIABLES = ("BROKER_URL", "RESULT_BACKEND", "LOADER", "CONFIG_MODULE", "SKIP_CHECKS")
"""What the ``celery`` command takes from the environment before it enters a sub-command."""


class AppError(Exception):
    """The app could not be loaded; the message is what the ``celery`` command would print."""


def run(argv: Sequence[str]) -> int:
    """Run a worker in a fresh process.

    Args:
        argv: ``-A``, the app as Celery's command line takes it, ``worker``, then its options.

    Returns:
        The exit status; Celery's own where Celery got as far as that.
    """
    if len(argv) < 3 or argv[0] != "-A" or argv[2] != "worker":
        return _refuse(USAGE)
    die_with_launcher()
    put_off_collections()
    name, options = argv[1], argv[3:]
    pose_as_celery(name, options)
    install_from_environment()
    try:
        app = load_app(name)
    except AppError as error:
        return _refuse(str(error))
    return work(app, options)


def _refuse(message: str) -> int:
    sys.stderr.write(f"{message}\n")
    return EXIT_USAGE


def pose_as_celery(name: str, options: Sequence[str]) -> None:
    """Make this process look like ``celery -A name worker options``.

    Applications look at ``sys.argv`` to learn whether they are a worker, Celery looks for its pool there,
    and its global options come from variables too.
    """
    sys.argv = [os.path.join(os.path.dirname(sys.executable), "celery"), "-A", name, "worker", *options]
    for variable in _GLOBAL_VARIABLES:
        if os.environ.get(variable):
            os.environ[f"CELERY_{variable}"] = os.environ[variable]
    for stream in (sys.stdout, sys.stderr):
        # A killed worker's last lines are the ones that matter.
        cast("Any", stream).reconfigure(line_buffering=True)


def load_app(name: str) -> Celery:
    """Find the app as the ``celery`` command does.

    Raises:
        AppError: There is none, or importing it failed.

    Source:
        ``celery.bin.celery.celery``, which cannot be called without loading every command.
    """
    from celery.app.utils import find_app

    try:
        return find_app(name)
    except ModuleNotFoundError as error:
        if error.name and (name == error.name or name.startswith((f"{error.name}.", f"{error.name}:"))):
            raise AppError(f"Unable to load celery application.\nThe module {error.name} was not found.") from None
        raise AppError(_while_loading(name)) from None
    except Exception:
        raise AppError(_while_loading(name)) from None


def _while_loading(name: str) -> str:
    return (
        "Unable to load celery application.\n"
        f"While trying to load the module {name} the following error occurred:\n{traceback.format_exc()}"
    )


def work(app: Celery, options: Sequence[str]) -> int:
    """Run Celery's worker command until it ends.

    Args:
        app: The app, loaded.
        options: Options of ``celery worker``.

    Returns:
        The exit status: 2 if Celery refused the options, having said why.
    """
    worker = worker_command()
    from celery.bin.base import CLIContext

    spare_collections()
    accept_options_of(app, worker)
    callback: Any = worker.callback
    worker.callback = lambda *args, **chosen: callback(*args, **{**chosen, **OWNED_BY_RUNNER, **_schedule()})
    try:
        worker.main(
            args=list(options),
            prog_name="celery worker",
            # Quiet: the banner takes as long as a connection, and a log's last lines shall be those that matter.
            obj=CLIContext(app=app, no_color=True, workdir=None, quiet=True),
            auto_envvar_prefix="CELERY_WORKER",
        )
    except SystemExit as done:
        return _status_of(done)
    return 0


def _status_of(done: SystemExit) -> int:
    """Return the exit status, having said what Python would say: an app may refuse to be a worker by a text."""
    if done.code is None or isinstance(done.code, int):
        return done.code or 0
    sys.stderr.write(f"{done.code}\n")
    return 1


def _schedule() -> dict[str, str]:
    """Say where an embedded beat notes what it has published: not in the project, nor in production's file.

    What it notes goes with the run. In a container, too, there is that folder, and every user can write to it.
    """
    text = os.environ.get(VARIABLE)
    if not text:
        return {}
    config = ProbeConfig.load(text)
    return {"schedule_filename": os.path.join(directory_beside(config.doorbell), f"{config.boot}.schedule")}


def worker_command() -> Any:
    """Import Celery's worker command without the syntax highlighter that the base of all commands builds.

    That takes longer than all the rest of it; only ``celery inspect`` and the like ever print by it.
    """
    pygments = sys.modules.get("pygments")
    sys.modules["pygments"] = cast("Any", None)  # so importing it fails, for which Celery is prepared
    try:
        from celery.bin.worker import worker
    finally:
        del sys.modules["pygments"]
        if pygments is not None:
            sys.modules["pygments"] = pygments
    return worker


_thresholds: tuple[int, ...] = ()


def put_off_collections() -> None:
    """Have no garbage collected while the app is imported: there is next to none, and looking for it takes long."""
    global _thresholds
    _thresholds = gc.get_threshold()
    gc.set_threshold(0)


def keep_for_good() -> None:
    """Keep what was imported out of all collections, and have garbage collected again unless the app forbade it."""
    gc.freeze()
    if gc.get_threshold()[0] == 0:
        gc.set_threshold(*_thresholds)


def spare_collections() -> None:
    """Keep what the worker has imported out of the garbage collections of its boot.

    Prefork collects before each child that it forks, a tenth of a cold boot and half of a warm one, where
    each visited page is also copied. Ready workers and their children collect as they always do.
    """
    from celery import signals

    signals.worker_init.connect(_freeze, weak=False)
    signals.worker_process_init.connect(_unfreeze, weak=False)
    signals.worker_ready.connect(_unfreeze, weak=False)


def _freeze(**_: Any) -> None:
    keep_for_good()


def _unfreeze(**_: Any) -> None:
    gc.unfreeze()


def accept_options_of(app: Any, command: Any) -> None:
    """Add the options that an app itself defines for the worker."""
    for kind in ("worker", "preload"):
        command.params.extend(app.user_options.get(kind, ()))
