from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_celery_perf.errors import ConfigurationError
from pytest_celery_perf.gate.environment import HERE, Image, Python, activated, ask, check, choose

COMPLETE = {"python": "3.12.1", "pytest": "9.2.0", "celery": "5.5.0", "redis": "5.2", "psutil": "7.0"}
DJANGO = {"django": "5.2.1", "pytest-django": "4.11.1"}


def script(path: Path, text: str) -> Path:
    """An executable that is no Python."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_what_may_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = script(tmp_path / "venv" / "bin" / "python", "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(python.parent))
    assert HERE == choose("")
    for value in (str(python), str(tmp_path / "venv"), "venv", "venv/bin/python", "python"):
        assert Python(path=str(python)) == choose(value)
    assert Image(name="shop:1.4") == choose("image:shop:1.4")


@pytest.mark.parametrize("value", ["nosuch", "image:", "/", "venv"])
def test_what_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "venv").mkdir()
    with pytest.raises(ConfigurationError, match=f"^--celery-perf-base-env={value}: ") as caught:
        choose(value)
    assert "image:" in str(caught.value)


def test_a_python_tells_what_it_has() -> None:
    found = ask(HERE)
    assert f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}" == found["python"]
    assert pytest.__version__ == found["pytest"]
    check(found, HERE, django=False)


@pytest.mark.parametrize(
    ("text", "words"),
    [("echo broken >&2; exit 3", "it does not run: broken"), ("echo hello", "that is no Python; it said: hello")],
)
def test_what_is_no_python(tmp_path: Path, text: str, words: str) -> None:
    python = Python(path=str(script(tmp_path / "python", text)))
    with pytest.raises(ConfigurationError) as caught:
        ask(python)
    assert f"--celery-perf-base-env={python.path}: {words}" in str(caught.value)


def test_what_it_must_have() -> None:
    assert {"xdist", "pytest_cov"} == check(COMPLETE, HERE, django=False).lacking
    assert {"pytest_cov"} == check(COMPLETE | DJANGO | {"pytest-xdist": "3"}, HERE, django=True).lacking
    with pytest.raises(ConfigurationError, match=r"lacks django>=5\.2, pytest-django>=4\.11"):
        check(COMPLETE, HERE, django=True)
    with pytest.raises(ConfigurationError, match=r"Python 3\.10\.4 is older than 3\.11"):
        check(COMPLETE | {"python": "3.10.4"}, HERE, django=False)
    with pytest.raises(ConfigurationError) as caught:
        check({"python": "3.12.1", "pytest": "7.4", "psutil": "7.0"}, Python(path="/venv/bin/python"), django=False)
    said = str(caught.value)
    assert said.startswith(
        "--celery-perf-base-env=/venv/bin/python: that environment lacks celery>=5.5, pytest>=8.2 (it has 7.4)"
    )
    assert said.endswith("/venv/bin/python -m pip install 'celery[redis]>=5.5' 'pytest>=8.2' 'redis>=5.2'")
    with pytest.raises(ConfigurationError, match="in its Dockerfile, RUN python -m pip install"):
        check({"python": "3.12.1"}, Image(name="shop"), django=False)


def test_its_commands_are_found_first(tmp_path: Path) -> None:
    python = Python(path=str(script(tmp_path / "venv" / "bin" / "python", "")))
    own = {"PATH": "/usr/bin", "VIRTUAL_ENV": "/venv", "PYTHONHOME": "/home", "SHOP": "1"}
    assert own == activated(HERE, own) == activated(Image(name="shop"), own)
    assert {"PATH": f"{tmp_path}/venv/bin:/usr/bin", "SHOP": "1"} == activated(python, own)
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    assert f"{tmp_path}/venv" == activated(python, own)["VIRTUAL_ENV"]
    assert f"{tmp_path}/venv/bin" == activated(python, {})["PATH"]
