from __future__ import annotations

import os
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_celery_perf.worker import outfit

TESTS = {"user": f"{os.getuid()}:{os.getgid()}"}


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
