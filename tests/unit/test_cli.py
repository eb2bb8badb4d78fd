from __future__ import annotations

from importlib.metadata import version

import pytest

from pytest_celery_perf.cli import main


def test_it_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--version"])
    assert capsys.readouterr().out == f"celery-perf {version('pytest-celery-perf')}\n"


def test_without_a_command_it_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])
    assert "usage: celery-perf [-h] [--version] COMMAND ..." in capsys.readouterr().err
