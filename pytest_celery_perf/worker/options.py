"""The options of ``celery worker``: made from what a test asks for, read by Celery's own parser."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.launch import worker_command

if TYPE_CHECKING:
    from celery import Celery

NODE_NAME = re.compile(r"[A-Za-z0-9][\w.-]*")
_KEPT = {"--with-mingle": "--without-mingle", "--with-gossip": "--without-gossip"}
"""Our spelling for keeping a feature that costs a second and changes nothing, to Celery's for leaving it out."""

_CHILDLESS = ("eventlet", "gevent", "solo", "thread", "threads")
"""Celery's pools without child processes, by their names and modules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What the options of a worker mean, as far as a test run must know before it starts."""

    pool: str
    """``prefork``, ``threads``, ``solo``, ``gevent`` …, or the path of its class, if the app's settings give that."""
    concurrency: int | None
    """None: Celery decides, by the number of CPUs."""
    queues: tuple[str, ...]
    """Empty: Celery decides, by the app's settings."""


def parse_line(line: str, source: str = "celery_perf_workers", app: Celery | None = None) -> WorkerSpec:
    """Read a worker from a line such as ``execution: -Q execution -c 8``.

    Args:
        line: A name, a colon, and options exactly as after ``celery worker``.
        source: The setting that it comes from, named in an error.
        app: See `read`.

    Raises:
        ConfigurationError: The line has another form, or Celery would refuse the options.
    """
    name, colon, text = line.partition(":")
    name = name.strip()
    if not colon or not NODE_NAME.fullmatch(name):
        raise ConfigurationError(
            f'{source}: {line!r}: expected "name: options of celery worker", such as "execution: -Q execution -c 8"; '
            "a name is made of letters, digits, dots, hyphens and underscores"
        )
    return WorkerSpec(name=name, options=split(text, f"{source}: worker {name!r}", app))


def split(text: str, what: str, app: Celery | None = None) -> tuple[str, ...]:
    """Split a command line into options, as a shell does.

    Args:
        text: The options of ``celery worker``.
        what: What they were given for, named in an error.
        app: See `read`.

    Raises:
        ConfigurationError: A quote is not closed, or Celery would refuse the options.
    """
    try:
        options = tuple(shlex.split(text))
    except ValueError as error:
        raise ConfigurationError(f"{what}: {text.strip()!r}: {error}") from None
    read(options, what, app)
    return options


def from_arguments(
    *,
    queues: str | Sequence[str] | None = None,
    pool: str | None = None,
    concurrency: int | None = None,
    prefetch: int | None = None,
    options: str = "",
    what: str = "celery_worker",
    app: Celery | None = None,
) -> tuple[str, ...]:
    """Turn the arguments of a marker into options of ``celery worker``.

    Args:
        queues: Names, or one text of names separated by commas.
        pool: The pool's name.
        concurrency: Processes, threads or greenlets.
        prefetch: Messages that are fetched ahead for each of these.
        options: Further options, as on a command line.
        what: What they were given for, named in an error.
        app: See `read`.

    Raises:
        ConfigurationError: Celery would refuse them.
    """
    named = {
        "-Q": queues if queues is None or isinstance(queues, str) else ",".join(queues),
        "-P": pool,
        "-c": concurrency,
        "--prefetch-multiplier": prefetch,
    }
    made = tuple(str(part) for option, value in named.items() if value is not None for part in (option, value))
    read(made, what, app)
    return (*made, *split(options, what, app))


def command_options(spec: WorkerSpec, node: str) -> tuple[str, ...]:
    """Return what stands behind ``celery worker`` to start a worker.

    Without mingle and gossip, unless the options say ``--with-mingle`` or ``--with-gossip``.

    Args:
        spec: The worker.
        node: Its whole node name; it wins over any in the options.
    """
    without = (celerys for ours, celerys in _KEPT.items() if ours not in spec.options and celerys not in spec.options)
    return (*_without_ours(spec.options), *without, "-n", node)


def read(options: Sequence[str], what: str = "celery_worker", app: Celery | None = None) -> WorkerOptions:
    """Read options by the parser of Celery's own worker command.

    Args:
        options: Of ``celery worker``; ``--with-mingle`` and ``--with-gossip`` are ours.
        what: What they were given for, named in an error.
        app: Its settings are the defaults, and it may add options of its own.

    Raises:
        ConfigurationError: Celery would refuse them; the message is Celery's.
    """
    worker = worker_command()
    import click
    from celery import Celery, concurrency
    from celery.bin.base import CLIContext

    app = app or Celery(set_as_current=False)
    params = [*worker.params, *(option for kind in ("worker", "preload") for option in app.user_options.get(kind, ()))]
    # Celery's type imports the pool, which for gevent belongs into the worker alone.
    pools = click.Option(["-P", "--pool"], type=click.Choice(concurrency.get_available_pool_names()))
    params = [pools if param.name == "pool" else param for param in params]
    settings = {"allow_extra_args": True}
    command = click.Command("celery worker", params=params, context_settings=settings, add_help_option=False)
    client = CLIContext(app=app, no_color=True, workdir=None)
    try:
        context = command.make_context(command.name, list(_without_ours(options)), obj=client)
    except click.ClickException as error:
        raise ConfigurationError(f"{what}: {shlex.join(options)!r}: {error.format_message()}") from None
    except click.exceptions.Exit:
        raise ConfigurationError(f"{what}: {shlex.join(options)!r}: that starts no worker") from None
    strange = [argument for argument in context.args if "=" not in argument]
    if strange:
        raise ConfigurationError(
            f"{what}: {shlex.join(options)!r}: {strange[0]!r} is no option; write what stands behind 'celery worker'"
        )
    chosen = context.params
    if not all(map(str.strip, chosen["queues"] or ())):
        raise ConfigurationError(f"{what}: {shlex.join(options)!r}: a queue has no name; write such as '-Q a,b'")
    if chosen.get("pool_start_method") == "spawn":
        raise ConfigurationError(
            f"{what}: {shlex.join(options)!r}: spawn starts children that record nothing; use fork"
        )
    pool = chosen["pool"] or "prefork"
    return WorkerOptions(
        pool=app.conf.worker_pool if pool == "prefork" else pool,  # as Celery's own type decides
        concurrency=chosen["concurrency"] if isinstance(chosen["concurrency"], int) else None,
        queues=tuple(chosen["queues"] or ()),
    )


def named_pool(options: Sequence[str]) -> str | None:
    """Return the pool that options name, where Celery looks for one whose patches must come first.

    Source:
        ``celery.maybe_patch_concurrency``.
    """
    for position, option in enumerate(options):
        if option in {"-P", "--pool"}:
            return options[position + 1] if position + 1 < len(options) else None
        if option.startswith("--pool="):
            return option.partition("=")[2]
    return None


def has_children(pool: str) -> bool:
    """Tell whether a pool runs tasks in child processes of the worker; of one that is not Celery's own, assume it.

    Args:
        pool: As `WorkerOptions` has it.
    """
    return _short(pool) not in _CHILDLESS


def has_hard_limits(pool: str) -> bool:
    """Tell whether a pool ends what has run for longer than its hard time limit.

    Args:
        pool: As `WorkerOptions` has it.

    Source:
        ``apply_timeout`` in celery/concurrency/gevent.py; the other pools without children ignore such limits.
    """
    return has_children(pool) or _short(pool) == "gevent"


def _short(pool: str) -> str:
    """Return the name of one of Celery's pools, which may be told by its class."""
    return pool.removeprefix("celery.concurrency.").removesuffix(":TaskPool")


def _without_ours(options: Sequence[str]) -> tuple[str, ...]:
    return tuple(option for option in options if option not in _KEPT)
