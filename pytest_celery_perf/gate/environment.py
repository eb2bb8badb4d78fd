"""By which Python an arm runs: this one, another one of this machine, or that of a container's image."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.metadata import requires
from pathlib import Path

from pytest_celery_perf.errors import ConfigurationError

OPTION = "--celery-perf-base-env"
ASK = """
import json, sys
from importlib.metadata import distributions
found = {each.metadata["Name"]: each.version for each in distributions() if each.metadata["Name"]}
print(json.dumps({**found, "python": "%d.%d.%d" % sys.version_info[:3]}))
"""
"""A program that tells the versions of a Python and of all that is installed for it."""
_IMAGE = "image:"
_OLDEST = "3.11"
_PATIENCE_S = 60.0
_OPTIONAL = {"xdist": "pytest-xdist", "pytest_cov": "pytest-cov"}
"""Plugins of pytest, and what installs them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Python:
    """An interpreter of this machine."""

    path: str
    lacking: frozenset[str] = frozenset()
    """Plugins of pytest that it has not, and can do without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A container's image, with an interpreter on its PATH."""

    name: str
    lacking: frozenset[str] = frozenset()
    """As above."""


HERE = Python(path=sys.executable)
"""The environment of this very process."""


def choose(value: str) -> Python | Image:
    """Read what the user wrote.

    Args:
        value: The path of an interpreter, its name on the PATH, the folder of a virtual environment, or ``image:NAME``;
            empty for the environment of this process.

    Raises:
        ConfigurationError: It is none of these.
    """
    if not value:
        return HERE
    if value.startswith(_IMAGE):
        if name := value.removeprefix(_IMAGE):
            return Image(name=name)
        raise ConfigurationError(f"{OPTION}={value}: an image has a name, such as image:shop-tests:1.4")
    path = Path(value).expanduser().absolute()
    if path.is_dir():
        path /= "bin/python"
    found = shutil.which(str(path)) or shutil.which(value)
    if found is None:
        raise ConfigurationError(
            f"{OPTION}={value}: {path} is no interpreter; valid is the path of one, its name on the PATH, the folder "
            "of a virtual environment, or image:NAME"
        )
    return Python(path=found)


def ask(python: Python) -> dict[str, str]:
    """Return the versions of an interpreter, and of what is installed for it.

    Raises:
        ConfigurationError: It does not run.
    """
    command = [python.path, "-c", ASK]
    try:
        # From the root, since a program given so imports from where it runs.
        done = subprocess.run(
            command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=_PATIENCE_S
        )
    except subprocess.CalledProcessError as error:
        raise ConfigurationError(f"{OPTION}={python.path}: it does not run: {error.stderr.strip() or error}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ConfigurationError(f"{OPTION}={python.path}: it does not run: {error}") from None
    return read(done.stdout, python)


def read(answer: str, environment: Python | Image) -> dict[str, str]:
    """Return the versions that `ASK` has printed, by normalised name.

    Raises:
        ConfigurationError: That is no Python.
    """
    from packaging.utils import canonicalize_name

    try:
        found: dict[str, str] = json.loads(answer.strip().rpartition("\n")[2])
    except ValueError:
        raise ConfigurationError(
            f"{OPTION}={name_of(environment)}: that is no Python; it said: {answer[-500:]}"
        ) from None
    return {canonicalize_name(name): version for name, version in found.items()}


def check(found: Mapping[str, str], environment: Python | Image, *, django: bool) -> Python | Image:
    """Refuse an environment in which our plugin cannot run the tests.

    Args:
        found: Versions by normalised name.
        environment: Whose they are.
        django: Whether the tests need Django.

    Returns:
        The environment, with what it lacks and can do without.

    Raises:
        ConfigurationError: Something is missing; the text says how to install it.
    """
    from packaging.requirements import Requirement
    from packaging.version import Version

    if Version(found["python"]) < Version(_OLDEST):
        raise ConfigurationError(f"{OPTION}={name_of(environment)}: Python {found['python']} is older than {_OLDEST}")
    extra = {"extra": "django" if django else ""}
    needed = [Requirement(line) for line in requires("pytest-celery-perf") or ()]
    needed = [each for each in needed if each.marker is None or each.marker.evaluate(extra)]
    lacking = [each for each in needed if not each.specifier.contains(found.get(each.name, "0"), prereleases=True)]
    if lacking:
        named = ", ".join(_shown(each.name, str(each.specifier), found) for each in lacking)
        wanted = " ".join(shlex.quote(str(each).partition(";")[0].strip()) for each in lacking)
        raise ConfigurationError(
            f"{OPTION}={name_of(environment)}: that environment lacks {named}. Install what the tests need: "
            f"{_installer(environment)} install {wanted}"
        )
    return replace(environment, lacking=frozenset(each for each, name in _OPTIONAL.items() if name not in found))


def activated(environment: Python | Image, variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables as they are in a shell in which an environment is active: its commands are found first.

    Args:
        environment: The environment; a container's image has what it needs.
        variables: As they are in the environment of this process.

    Source:
        The script ``activate`` of venv.
    """
    if environment == HERE or isinstance(environment, Image):
        return dict(variables)
    folder = Path(environment.path).parent
    kept = {name: value for name, value in variables.items() if name not in {"VIRTUAL_ENV", "PYTHONHOME"}}
    if (folder.parent / "pyvenv.cfg").exists():
        kept["VIRTUAL_ENV"] = str(folder.parent)
    return {**kept, "PATH": os.pathsep.join(filter(None, (str(folder), variables.get("PATH"))))}


def name_of(environment: Python | Image) -> str:
    """Return an environment as the user writes it."""
    return environment.path if isinstance(environment, Python) else f"{_IMAGE}{environment.name}"


def _shown(name: str, specifier: str, found: Mapping[str, str]) -> str:
    return f"{name}{specifier} (it has {found[name]})" if name in found else f"{name}{specifier}"


def _installer(environment: Python | Image) -> str:
    return f"{environment.path} -m pip" if isinstance(environment, Python) else "in its Dockerfile, RUN python -m pip"
