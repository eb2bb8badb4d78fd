"""What a worker's container is made of: the user's image, the tests' own files, addresses and limits."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_celery_perf import probe
from pytest_celery_perf.probe.config import VARIABLE, ProbeConfig
from pytest_celery_perf.probe.faults import directory_beside
from pytest_celery_perf.probe.stacks import stacks_in
from pytest_celery_perf.worker.base import Launch
from pytest_celery_perf.worker.engine import Standpoint, locate
from pytest_celery_perf.worker.image import fetch, image_of
from pytest_celery_perf.worker.options import command_options

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer

_PROBE_AT = "/opt/celery-perf"
_PATH = "PYTHONPATH"
_RUN = """
python=$(command -v python || command -v python3) || { echo "no Python in this image"; exit 127; }
exec "$python" -m pytest_celery_perf.probe "$@"
"""
_OF_THE_MACHINE = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "PWD", "OLDPWD", "HOSTNAME", "TERM", "TMPDIR", "VIRTUAL_ENV", "_"),
    *("PYTHON", "LD_", "DOCKER_", "TESTCONTAINERS_", "XDG_", "SSH_", "PYENV_", "CONDA_", "SSL_CERT_", "COV_"),
)
"""Beginnings of the names of variables that tell about the tests' machine, not about the application."""


def container_for(launch: Launch, name: str) -> DockerContainer:
    """Describe the container of a worker.

    Args:
        launch: What to start in it.
        name: What to call it; its network, too, if it shall have one of its own.

    Returns:
        The container, not started.

    Raises:
        ConfigurationError: The image is named wrongly.
        WorkerError: The image is nowhere or cannot be built, or the engine does not reach the tests' files.
    """
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(image_of(launch.spec, launch.cwd))
    client = container.get_docker_client().client
    standpoint = locate(client)
    if launch.spec.bridge:
        standpoint = standpoint.apart()
    for path, at, mode in _mounts(launch):
        container.with_volume_mapping(standpoint.path(path), at, mode)
    options = command_options(launch.spec, launch.node)
    script = f'exec >>"{launch.log}" 2>&1\n{_find_modules(launch)}\n{_RUN}'
    command = ["-c", script, "sh", "-A", launch.app, "worker", *options]
    container.with_name(name).with_command(command).with_envs(**_variables(launch, standpoint))
    return container.with_kwargs(
        entrypoint=["sh"],
        init=True,  # the kernel spares the first process of a container when another one in it sends SIGKILL
        working_dir=str(launch.cwd),
        network=None,  # or testcontainers chooses one
        network_mode=name if launch.spec.bridge else standpoint.network_mode,
        extra_hosts=standpoint.extra_hosts,
        **_user(client, container.image),
        **_limits(launch),
    )


def of_the_application(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that mean something in a container, too."""
    return {name: value for name, value in variables.items() if not name.startswith(_OF_THE_MACHINE)}


def probe_alone(folder: Path) -> Path:
    """Copy the probe, without the rest of the package, to where the engine finds it and any user can read it."""
    copy = folder / "probe"
    if not copy.exists():
        source = Path(probe.__file__).parent
        package = copy / source.parent.name
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(source, package / source.name, copy_function=shutil.copyfile, ignore=ignored)
        shutil.copyfile(source.parent / "__init__.py", package / "__init__.py")
        for path in (copy, *copy.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    return copy


def _mounts(launch: Launch) -> Iterator[tuple[Path, str, str]]:
    """Yield (path, path in the container, mode); all but the probe are where they are outside."""
    run = Path(launch.probe.doorbell).parent
    yield probe_alone(run), _PROBE_AT, "ro"
    yield launch.cwd, str(launch.cwd), "ro" if launch.read_only else "rw"
    launch.log.parent.mkdir(parents=True, exist_ok=True)
    launch.log.touch()
    stacks = Path(stacks_in(launch.probe.spool))
    stacks.mkdir(exist_ok=True)
    stacks.chmod(0o777)  # were it the image's user's, nobody but that user could remove what is in it
    for path, mode in (
        (Path(launch.probe.spool), 0o777),
        (Path(launch.probe.doorbell), 0o666),
        (Path(directory_beside(launch.probe.doorbell)), 0o777),
        (launch.log, 0o666),
    ):
        # The image may have another user. Others of this machine do not get through the folder of the run.
        path.chmod(mode)
        yield path, str(path), "rw"
    for name in launch.probe.databases.values():
        if Path(name).is_absolute():  # SQLite, which writes its journal beside it
            folder = Path(name).parent
            if run in folder.parents:
                _open_databases(folder)
            yield folder, str(folder), "rw"


def _open_databases(folder: Path) -> None:
    """Let the image's user and the tests both write to the SQLite databases in a folder of ours.

    Source:
        ``findCreateFileMode`` in SQLite's ``os_unix.c``: what it makes beside a database later has the database's mode.
    """
    folder.chmod(0o777)
    for file in folder.iterdir():
        with contextlib.suppress(FileNotFoundError):  # a journal, whose transaction is over
            if file.lstat().st_uid == os.getuid():  # what the user of another worker has made is open already
                file.chmod(0o666)


def _variables(launch: Launch, standpoint: Standpoint) -> dict[str, str]:
    """Return what the image's variables are replaced by; what the marker names is meant for the container, always."""
    variables = {**of_the_application(dict(launch.environment)), **dict(launch.spec.env)}
    variables.pop(_PATH, None)
    return variables | {VARIABLE: _relocated(launch.probe, standpoint).dump()}


def _find_modules(launch: Launch) -> str:
    """Return the command by which Python finds the probe, too, and what it would find without us.

    The shell adds what the image says, which is where production finds its modules; a variable of the container would
    replace that.
    """
    first = ":".join(filter(None, (_PROBE_AT, dict(launch.spec.env).get(_PATH), *map(str, launch.path))))
    return f'export {_PATH}={shlex.quote(first)}"${{{_PATH}:+:${_PATH}}}"'


def _relocated(config: ProbeConfig, standpoint: Standpoint) -> ProbeConfig:
    def moved(url: str | None) -> str | None:
        return None if url is None else standpoint.address(url)

    return replace(
        config,
        broker_url=moved(config.broker_url),
        result_backend=moved(config.result_backend),
        caches={alias: standpoint.address(url) for alias, url in config.caches.items()},
    )


def _user(client: Any, image: str) -> dict[str, str]:
    """Let a container whose image names no user run as the user of the tests, to whom the mounted files belong.

    Source:
        https://github.com/moby/moby/pull/50915: from Docker 29 on, the engine leaves out what an image does not name.
    """
    config = fetch(client, image).attrs.get("Config") or {}
    return {} if config.get("User") else {"user": f"{os.getuid()}:{os.getgid()}"}


def _limits(launch: Launch) -> dict[str, int]:
    limits = {}
    if launch.spec.cpus is not None:
        limits["nano_cpus"] = round(launch.spec.cpus * 1e9)
    if launch.spec.memory_bytes is not None:
        limits["mem_limit"] = limits["memswap_limit"] = launch.spec.memory_bytes  # no swap beyond
    return limits
