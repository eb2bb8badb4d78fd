from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.model.spec import WorkerSpec
from pytest_celery_perf.probe.config import ProbeConfig
from pytest_celery_perf.worker import outfit
from pytest_celery_perf.worker.base import Launch
from pytest_celery_perf.worker.engine import Standpoint

PROBE = "/opt/celery-perf"
PRODUCTION = {"PYTHONPATH": "/of/the/image"}
TESTS = {"user": f"{os.getuid()}:{os.getgid()}"}


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    return Launch(
        spec=WorkerSpec(name="w", runtime="container", image="shop:1"),
        node="w@here",
        app="shop",
        probe=ProbeConfig(spool="", doorbell="", boot="", clock=""),
        environment=(),
        cwd=tmp_path,
        log=tmp_path / "log",
    )


@pytest.mark.parametrize(
    ("attrs", "expected"),
    [
        ({"Config": {"User": "4711:4711"}}, {}),
        ({"Config": {"User": ""}}, TESTS),
        ({"Config": {"Cmd": ["sh"]}}, TESTS),  # Docker 29
        ({"Config": None}, TESTS),
        ({}, TESTS),
    ],
)
def test_a_container_whose_image_names_no_user_has_that_of_the_tests(
    attrs: dict[str, Any], expected: dict[str, str]
) -> None:
    pytest.importorskip("docker")
    client: Any = SimpleNamespace(images=SimpleNamespace(get=lambda _: SimpleNamespace(attrs=attrs)))
    assert expected == outfit._user(client, "image")


@pytest.mark.parametrize(
    ("asked", "path", "image", "expected"),
    [
        ({}, (), {}, [PROBE]),
        ({}, (), PRODUCTION, [PROBE, "/of/the/image"]),
        ({}, ("/a b/'src'",), PRODUCTION, [PROBE, "/a b/'src'", "/of/the/image"]),
        ({"PYTHONPATH": "/one:/two"}, ("/src",), {}, [PROBE, "/one", "/two", "/src"]),
        ({"PYTHONPATH": ""}, ("/src",), PRODUCTION, [PROBE, "/src", "/of/the/image"]),
    ],
)
def test_modules_are_found_where_marker_settings_and_image_say(
    launch: Launch, asked: dict[str, str], path: tuple[str, ...], image: dict[str, str], expected: list[str]
) -> None:
    launch = replace(
        launch, spec=replace(launch.spec, env=tuple(asked.items())), path=tuple(Path(each) for each in path)
    )
    script = f'{outfit._find_modules(launch)}\nprintf %s "$PYTHONPATH"'
    done = subprocess.run(["sh", "-c", script], env=image, capture_output=True, text=True, check=True)
    assert expected == done.stdout.split(":")


def test_variables_of_the_machine_stay_outside_unless_the_marker_names_them(launch: Launch) -> None:
    inherited = {"PYTHONPATH": "/machine", "PYTHONHASHSEED": "1", "HOME": "/machine", "TMPDIR": "/machine", "SHOP": "1"}
    asked = {"PYTHONHASHSEED": "2", "TMPDIR": "/marker", "PYTHONPATH": "/marker"}
    launch = replace(
        launch,
        spec=replace(launch.spec, env=tuple(asked.items())),
        environment=tuple({**inherited, **asked}.items()),
    )
    variables = outfit._variables(launch, Standpoint(network_mode="host"))
    del variables["CELERY_PERF_PROBE"]
    assert {"SHOP": "1", "PYTHONHASHSEED": "2", "TMPDIR": "/marker"} == variables
